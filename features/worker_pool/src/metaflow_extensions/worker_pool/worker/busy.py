"""How much of an item's time its worker was computing, or would have been on a free CPU."""

from __future__ import annotations

import time
from pathlib import Path

# ns on a CPU, ns ready and without one, slices: of the first thread, which runs the step. Asking
# for the CPU time of all threads takes as long as a third of an item on some machines.
_SCHEDSTAT = Path("/proc/self/schedstat")


class Watch:
    """Measures one item."""

    def __init__(self) -> None:
        self._wall, self._before = time.monotonic(), _times()

    def share(self) -> float | None:
        """Give the part of the time that went into computing, from 0 to 1; None: nobody counts."""
        after = _times()
        if self._before is None or after is None:
            return None
        cpu, queued = (now - then for now, then in zip(after, self._before, strict=True))
        return min(1.0, cpu / max(time.monotonic() - self._wall - queued, 1e-4))


def _times() -> tuple[float, float] | None:
    """Give the seconds on a CPU, and those spent waiting for one."""
    try:
        with _SCHEDSTAT.open("rb", buffering=0) as file:
            cpu, queued, _ = file.read().split()
    except (OSError, ValueError):
        return None
    return int(cpu) / 1e9, int(queued) / 1e9
