"""A metadata service for flows, on SQLite: what Metaflow's provider `service` talks to.

It authenticates nobody: bind it only to an address that nobody but this machine and its own pods
can reach.
"""

from __future__ import annotations

from metaflow_backends.metadata_service.app import VERSION, application
from metaflow_backends.metadata_service.server import Server
from metaflow_backends.metadata_service.store import Conflict, Missing, Store

__all__ = ["VERSION", "Conflict", "Missing", "Server", "Store", "application"]
