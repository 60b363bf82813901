"""What a pool would have done for a step, by the times of its items."""

from __future__ import annotations

import math
import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metaflow_extensions.worker_pool.advising.past import Item

# Seconds: what the scheduler takes for each item whatever the pool's size, what a pooled item takes
# beside its own code, and what a process takes to load Metaflow. bench/pool_cpu.py measures them.
SCHEDULER, POOLED, PROCESS = 0.003, 0.003, 0.25
WORTH = 0.1  # share of the time that has to be saved for a pool to be advised
LARGE = 1000  # items from which Metaflow's own scan at a join is told of
SCAN = 0.8e-6  # seconds of that scan for each pair of items


@dataclass(frozen=True)
class Advice:
    """Seconds that were and would be; `size` is what `size="auto"` comes to if items compute."""

    items: int
    work: float  # of the median item
    start: float  # before the median item
    wall: float  # from the first item's making to the last one's end
    at_once: int  # items that were at work at a time
    size: int
    pooled: float  # wall with a pool of that size
    join_scan: float  # of Metaflow, with and without a pool

    @classmethod
    def of(cls, items: Sequence[Item], cpus: int) -> Advice:
        work = statistics.median(item.work for item in items)
        start = statistics.median(item.start for item in items)
        wall = max(item.ended for item in items) - min(item.created for item in items)
        at_once = max(1, round(sum(item.work + item.start for item in items) / max(wall, 1e-3)))
        most = max(1, math.ceil((work + POOLED) / SCHEDULER))
        size = min(len(items), max(cpus, at_once), most)
        total = sum(item.work for item in items) + len(items) * POOLED
        longest = max(item.work for item in items)
        pooled = max(total / size, len(items) * SCHEDULER, longest)
        first = min(PROCESS, start) if start else PROCESS
        return cls(
            len(items), work, start, wall, at_once, size, pooled + first, SCAN * len(items) ** 2
        )

    @property
    def saved(self) -> float:
        return self.wall - self.pooled

    @property
    def worth_it(self) -> bool:
        return self.items > 1 and self.saved > WORTH * self.wall

    @property
    def scheduler_is_the_limit(self) -> bool:
        return self.size > 1 and self.work / self.size < SCHEDULER

    def facts(self) -> dict[str, object]:
        told = {n: round(v, 4) if isinstance(v, float) else v for n, v in asdict(self).items()}
        return {**told, "saved": round(self.saved, 4), "worth_it": self.worth_it}

    def sentences(self) -> list[str]:
        """Say it as a person would."""
        past = (
            f"{self.items} items took {_time(self.work)} each (median), {_time(self.start)} passed"
            f" before each began, about {self.at_once} at a time: {_time(self.wall)} in all."
        )
        lines = [past, self._verdict()]
        if self.scheduler_is_the_limit:
            chunk = max(2, math.ceil(SCHEDULER * self.size * 10 / max(self.work, 1e-3)))
            lines.append(
                f"Your items take {_time(self.work)}; the scheduler, which takes"
                f" {_time(SCHEDULER)} for each, is the limit: chunk them, say {chunk} to an item."
            )
        if self.items >= LARGE:
            lines.append(
                f"Of it, Metaflow's own scan for the join takes about {_time(self.join_scan)}; only"
                " fewer items make that shorter."
            )
        return lines

    def _verdict(self) -> str:
        if not self.worth_it:
            return "A pool would not have helped: nearly all of that is the items' own work."
        return (
            f"A pool would have taken about {_time(self.pooled)} with size={self.size}, and saved"
            f" {_time(self.saved)}."
        )


def _time(seconds: float) -> str:
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"  # noqa: PLR2004
