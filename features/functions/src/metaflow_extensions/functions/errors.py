"""What goes wrong, in one line that says what, where, and what helps.

Nothing here needs Metaflow: workers raise these errors too, and they load only what functions use.
"""

from __future__ import annotations

from typing import Any


class FunctionError(Exception):
    """Anything that the user of a function can mend."""


class DeclarationError(FunctionError):
    """A function whose shape or types cannot be served."""


class BindError(FunctionError):
    """A function and a task that do not fit together."""


class BadReferenceError(FunctionError):
    """A reference that is missing, damaged, or not understood."""


class EnvironmentMismatchError(FunctionError):
    """The interpreter or the packages of a reference cannot be had here."""


class MissingExtraError(FunctionError):
    """An optional part is not installed."""


class InputError(FunctionError, ValueError):
    """A record that the function does not take; `errors` says which fields, as pydantic does."""

    def __init__(self, message: str, errors: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or [{"type": "json", "loc": [], "msg": message}]


class OutputError(FunctionError, ValueError):
    """A result that has no JSON, or is not what the function says it returns."""


class WorkerDiedError(FunctionError):
    """The process that ran the call ended; the next call gets another one."""


class CallTimeoutError(FunctionError, TimeoutError):
    """The call took longer than its `timeout`; its worker was ended."""


class ClosedError(FunctionError):
    """The function was closed."""
