"""When a request is made again, and when it is not."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, LONGEST = 0.1, 5.0  # seconds
MOST = 60.0  # seconds of a Retry-After that are waited
BUSY = frozenset({429, 502, 503, 504})
# A server that has lost its leader, or a node, answers 500 with a text of this kind; every mistake
# of ours is a 500 too. Source: nomad/helper/errors and what an agent of 1.11 was seen to say.
PASSING = (
    "rpc error", "No cluster leader", "no leader", "leadership lost", "connection refused",
    "connection reset", "failed to get conn", "EOF", "i/o timeout", "not ready to serve",
    "ACL token not found", "raft", "shutdown",
)  # fmt: skip
FINAL = ("Unknown allocation", "No path to region", "nonexistent")


def passing(status: int, text: str) -> bool:
    """Say whether the same request may well succeed later."""
    if status in BUSY:
        return True
    final = any(mark in text for mark in FINAL)
    return status == 500 and not final and any(mark in text for mark in PASSING)  # noqa: PLR2004


def delays(first: float = FIRST, longest: float = LONGEST) -> Iterator[float]:
    """Yield seconds to wait, twice as long each time, each with up to half taken off."""
    now = first
    while True:
        yield now * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        now = min(2 * now, longest)


def asked_for(retry_after: str | None) -> float:
    """Read the seconds of a Retry-After header; 0 where there is none, or a date."""
    return min(float(retry_after), MOST) if retry_after and retry_after.isdecimal() else 0.0
