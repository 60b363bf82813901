"""How much of an item's time its worker was computing, or would have been on a free CPU."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

_SCHEDSTAT = Path("/proc/self/schedstat")  # ns on a CPU, ns waiting for one, slices


class Watch:
    """Measures one item."""

    def __init__(self) -> None:
        self._wall, self._cpu, self._queued = time.monotonic(), time.process_time(), _queued()

    def share(self) -> float:
        """Give the part of the time that went into computing, from 0 to 1."""
        wall = time.monotonic() - self._wall - (_queued() - self._queued)
        return min(1.0, (time.process_time() - self._cpu) / max(wall, 1e-4))


def _queued() -> float:
    """Give the seconds that this process was ready and had no CPU; 0 where nobody counts them."""
    with suppress(OSError, ValueError, IndexError), _SCHEDSTAT.open("rb", buffering=0) as file:
        return int(file.read().split()[1]) / 1e9
    return 0.0
