"""A real Nomad: agents, tokens, certificates, and what jobs on it need."""

from __future__ import annotations

from metaflow_backends.nomad.agent import Agent
from metaflow_backends.nomad.api import Api, NomadError
from metaflow_backends.nomad.backend import Nomad
from metaflow_backends.nomad.description import manager
from metaflow_backends.nomad.hub import Hub

__all__ = ["Agent", "Api", "Hub", "Nomad", "NomadError", "manager"]
