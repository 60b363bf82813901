"""Why a column cannot be used in this run; decided once and then the same for every test."""

from __future__ import annotations

from metaflow_backends.errors import BackendError, BackendUnavailableError


class Unavailable(BackendUnavailableError):  # noqa: N818 - it names a state of the column
    """The backend cannot be used on this machine."""

    def __init__(self, column: str, reason: str, cure: str = "") -> None:
        advice = f" (to change that: {cure})" if cure else ""
        super().__init__(f"{column} is unavailable: {reason}{advice}")
        self.column = column
        self.reason = reason
        self.cure = cure


class Broken(BackendError):  # noqa: N818 - it names a state of the column
    """The backend did not come up, or failed too often under the tests of this run."""

    def __init__(self, column: str, reason: str, cure: str = "") -> None:
        advice = f" (to go on: {cure})" if cure else ""
        super().__init__(f"{column} is broken: {reason}{advice}")
        self.column = column
        self.reason = reason
        self.cure = cure
