"""Tie processes to each other: no flow outlives the test that started it.

The calls are Linux's own (prctl(2)); where they do not exist, only the kill by the parent remains.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_SET_PDEATHSIG = 1
_SET_CHILD_SUBREAPER = 36


def _prctl() -> Callable[[int, int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    call: Callable[[int, int], int] | None = getattr(ctypes.CDLL(None), "prctl", None)
    return call


def die_with(parent: int, number: signal.Signals) -> None:
    """Receive a signal when the parent ends, even if it was killed; at once if it already has."""
    if prctl := _prctl():
        prctl(_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent died, so that none is out of reach."""
    if prctl := _prctl():
        prctl(_SET_CHILD_SUBREAPER, 1)


def dying_with_us() -> Callable[[], None]:
    """Give a `preexec_fn` that kills the new process when this one ends."""
    prctl = _prctl()

    def prepare() -> None:
        if prctl:
            prctl(_SET_PDEATHSIG, signal.SIGKILL)

    return prepare
