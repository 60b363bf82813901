"""Who is to blame for a failure, and which failures are the same."""

from __future__ import annotations

import hashlib
import re
import subprocess
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import FlowTimeoutError
from pytest_metaflow_backends.records import Cause

if TYPE_CHECKING:
    from collections.abc import Iterator

# pytest-timeout ends a test by pytest.fail with this text and has no exception class of its own.
_TIMED_OUT = re.compile(r"^Timeout \(>?\d")
# What differs between two occurrences of the same failure.
_VARIABLE = re.compile(
    r"0x[0-9a-fA-F]+|[0-9a-f]{8,}(?:-[0-9a-f]{4,})*|\d+|(?:/[\w.@+-]+){2,}|'[^']{40,}'"
)


def classify(error: BaseException) -> Cause:
    """Tell the cause of a failure by the exceptions behind it, never by what a test printed."""
    from metaflow_backends.errors import BackendError, InfrastructureError

    for link in _chain(error):
        if isinstance(link, InfrastructureError):
            return Cause.INFRA
        if isinstance(link, BackendError):
            return Cause.BACKEND
        if isinstance(link, (FlowTimeoutError, subprocess.TimeoutExpired)):
            return Cause.TIMEOUT
    return Cause.TIMEOUT if _TIMED_OUT.match(text_of(error)) else Cause.TEST


def text_of(error: BaseException) -> str:
    """Give what an exception says; one that cannot say it must not end the whole run."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - whatever a test's own class does
        return f"<{type(error).__name__} whose text cannot be had>"


def is_infrastructure(error: BaseException | None) -> bool:
    """Tell whether a second try may be made (the condition handed to pytest-rerunfailures)."""
    return error is not None and classify(error) is Cause.INFRA


def fingerprint(kind: str, message: str, place: str) -> str:
    """Give equal failures an equal name: exception, first line without numbers, and place."""
    first = message.strip().splitlines()[0] if message.strip() else ""
    text = "\0".join((kind, _VARIABLE.sub("#", first[:500]), place))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
