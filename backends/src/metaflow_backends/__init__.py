"""Start, probe and stop the real things that Metaflow flows run on."""

from __future__ import annotations

from metaflow_backends.errors import BackendError, BackendUnavailableError, InfrastructureError
from metaflow_backends.protocol import (
    Backend,
    Checks,
    Explains,
    Health,
    LogFile,
    Needs,
    Prepares,
    Probe,
    Process,
    Running,
    Settings,
    Shares,
)

__all__ = [
    "Backend",
    "BackendError",
    "BackendUnavailableError",
    "Checks",
    "Explains",
    "Health",
    "InfrastructureError",
    "LogFile",
    "Needs",
    "Prepares",
    "Probe",
    "Process",
    "Running",
    "Settings",
    "Shares",
]
