"""How much memory a worker holds, and whether that is garbage."""

from __future__ import annotations

import gc
import os
from pathlib import Path

_STATM = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def now() -> int:
    """Give the bytes of memory in use; 0 where the kernel does not say."""
    try:
        with _STATM.open("rb", buffering=0) as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return 0


class Growth:
    """Memory beyond what there was after the first item, once garbage is gone.

    Source of the rule: loky, which collects before it blames a worker.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit, self._first = limit, 0

    def after(self) -> int:
        """Give the memory after an item; beyond the limit only what is no garbage."""
        held = now()
        if not self._first:
            self._first = held
        if self._limit is not None and held - self._first > self._limit:
            gc.collect()
            held = now()
        return held
