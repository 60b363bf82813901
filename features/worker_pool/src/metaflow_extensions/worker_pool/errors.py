"""What goes wrong, in one line that says what helps; never a traceback."""

from __future__ import annotations

from metaflow.exception import MetaflowException


class WorkerPoolError(MetaflowException):
    """Something the user can mend."""

    headline = "@worker_pool"

    def __init__(self, message: str) -> None:
        super().__init__(message)


class SpecError(WorkerPoolError):
    """An attribute of @worker_pool that cannot be."""


class UnsupportedError(WorkerPoolError):
    """A step or a command that no pool can serve."""
