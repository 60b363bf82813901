"""How far a step is, in numbers and as one line."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW = 10.0  # seconds that the rate is taken over


@dataclass
class Counts:
    """Items of one step; `total` is 0 as long as nobody knows."""

    step: str
    total: int = 0
    done: int = 0
    running: int = 0
    failed: int = 0  # attempts
    retried: int = 0
    recycled: int = 0
    _ends: deque[float] = field(default_factory=deque)

    def took(self, attempt: int) -> None:
        self.running += 1
        self.retried += attempt > 0

    def ended(self, code: int, now: float) -> None:
        """Count an attempt that ended at a time, in seconds of any clock that only goes on."""
        self.running -= 1
        if code:
            self.failed += 1
            return
        self.done += 1
        self._ends.append(now)
        while now - self._ends[0] > WINDOW:
            self._ends.popleft()

    @property
    def complete(self) -> bool:
        """Tell if all items that are known have been done."""
        return self.done == self.total > 0

    def rate(self, now: float) -> float:
        """Give the items per second of the last seconds."""
        recent = [end for end in self._ends if now - end <= WINDOW]
        if len(recent) < 2:  # noqa: PLR2004 - one has no distance to another
            return 0.0
        return (len(recent) - 1) / max(now - recent[0], 1e-3)

    def line(self, now: float) -> str:
        """Say it as a person would."""
        of = f" of {self.total}" if self.total else ""
        parts = [f"@worker_pool {self.step}: {self.done}{of} done, {self.running} running"]
        trouble = ((name, getattr(self, name)) for name in ("failed", "retried", "recycled"))
        parts += [f"{number} {name}" for name, number in trouble if number]
        if rate := self.rate(now):
            parts.append(f"{rate:.3g} items/s")
            if self.total > self.done:
                parts.append(f"{_span((self.total - self.done) / rate)} left")
        return ", ".join(parts)


def _span(seconds: float) -> str:
    if seconds < 90:  # noqa: PLR2004 - as people say it
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004
