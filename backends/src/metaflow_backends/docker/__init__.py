"""A Docker daemon: one that runs already, or one of our own."""

from __future__ import annotations

from metaflow_backends.docker.backend import Docker
from metaflow_backends.docker.daemon import Daemon, Runtime

__all__ = ["Daemon", "Docker", "Runtime"]
