"""The errors a person meets, and the exit codes they end with."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_metaflow_backends.flow.outcome import FlowOutcome


class ExitCode(IntEnum):
    """How `mf-backends` and a pytest run end (docs: architecture, promise 4)."""

    GREEN = 0
    RED = 1
    INTERRUPTED = 2
    INTERNAL = 3
    USAGE = 4
    NOTHING_SELECTED = 5
    REQUIRED_UNAVAILABLE = 10


class HarnessError(Exception):
    """Base of all errors raised by this package; the message says what, where, and what to do."""

    exit_code = ExitCode.INTERNAL


class UsageError(HarnessError):
    """The user asked for something that does not exist, or a settings file is wrong."""

    exit_code = ExitCode.USAGE


class RecordingError(HarnessError):
    """Records could not be written; what is not recorded must not be believed."""

    exit_code = ExitCode.INTERNAL


class FlowTimeoutError(HarnessError):
    """A flow did not end within the time the matrix or the test gave it (cause `timeout`)."""

    exit_code = ExitCode.RED

    def __init__(self, message: str, outcome: FlowOutcome | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome  # what could still be found out when it was stopped
