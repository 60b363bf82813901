"""Bring backends up once per run, share them between processes, and leave nothing behind."""

from __future__ import annotations

from pytest_metaflow_backends.lifecycle.active import Active
from pytest_metaflow_backends.lifecycle.commands import down, up
from pytest_metaflow_backends.lifecycle.coordination import Lifecycle
from pytest_metaflow_backends.lifecycle.outages import Broken, Unavailable
from pytest_metaflow_backends.lifecycle.status import Status, status

__all__ = ["Active", "Broken", "Lifecycle", "Status", "Unavailable", "down", "status", "up"]
