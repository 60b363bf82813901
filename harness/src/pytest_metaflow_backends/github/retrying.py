"""When to try again after GitHub said no; pure.

Source: "Rate limits for the REST API" and "Best practices for using the REST API" in GitHub's
documentation: obey `retry-after`, else wait for `x-ratelimit-reset`, else at least a minute, then
exponentially longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_metaflow_backends.github.limits import SECONDARY_WAIT

if TYPE_CHECKING:
    from collections.abc import Mapping

TRIES = 6
PATIENCE = 900.0  # seconds that one wait may take at most; a job has better things to do
LIMITED = ("rate limit", "abuse")
FORBIDDEN, TOO_MANY = 403, 429
SERVER_ERRORS = frozenset({500, 502, 503, 504})


def wait(
    status: int, headers: Mapping[str, str], body: str, tried: int, now: float
) -> float | None:
    """Give the seconds to wait before another try; None if another would end the same.

    `headers` have lower-case names, `tried` counts from 1, `now` is in seconds since the epoch.
    """
    if limited(status, headers, body):
        return _until_allowed(headers, tried, now)
    return 2.0 ** (tried - 1) if status in SERVER_ERRORS else None


def limited(status: int, headers: Mapping[str, str], body: str) -> bool:
    """Tell a limit from a lack of rights: both may be a 403, and only one of them passes."""
    if status == TOO_MANY:
        return True
    if status != FORBIDDEN:
        return False
    said = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return said or not body.strip() or any(word in body.lower() for word in LIMITED)


def _until_allowed(headers: Mapping[str, str], tried: int, now: float) -> float:
    after = _seconds(headers.get("retry-after"))
    if after is not None:
        return after
    reset = _seconds(headers.get("x-ratelimit-reset"))
    if headers.get("x-ratelimit-remaining") == "0" and reset is not None:
        return max(reset - now, 0.0) + 1.0
    return SECONDARY_WAIT * 2.0 ** (tried - 1)


def _seconds(value: str | None) -> float | None:
    if value is None or not value.isascii() or not value.strip().isdigit() or len(value) > 12:  # noqa: PLR2004
        return None
    return float(value)
