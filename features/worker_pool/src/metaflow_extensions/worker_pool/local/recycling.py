"""When a worker has served long enough: by items, by age, by memory, each spread over the pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaflow_extensions.worker_pool.spec import Spec

MEGABYTE = 2**20
SPREAD = 0.2  # of each limit, over the workers of a pool, so that they do not all go at once
EARLY = 0.75  # of a limit: when the replacement is started, which takes about as long as 50 items


@dataclass(frozen=True)
class Limits:
    """The limits of one worker of a pool."""

    items: int | None
    age: float | None  # seconds
    growth: int | None  # bytes

    @classmethod
    def of(cls, spec: Spec, number: int, size: int) -> Limits:
        """Give the n-th worker of a pool limits a little below those that were asked for."""
        share = 1 - SPREAD * (number % size) / size
        items, age, growth = spec.max_items_per_worker, spec.max_worker_age, spec.max_rss_growth
        return cls(
            None if items is None else max(1, round(items * share)),
            None if age is None else age * share,
            None if growth is None else int(growth * MEGABYTE * share),
        )


@dataclass(frozen=True)
class Service:
    """What a worker has done so far."""

    items: int = 0
    age: float = 0.0
    first: int = 0  # bytes of memory after the first item
    now: int = 0  # after the last one

    def wear(self, limits: Limits) -> tuple[float, str]:
        """Give how much of its limits is used up, 1.0 being all, and which one it is."""
        shares = [(0.0, "")]
        if limits.items is not None:
            shares.append((self.items / limits.items, f"{self.items} items"))
        if limits.age is not None:
            shares.append((self.age / limits.age, f"{self.age:.0f} s old"))
        if limits.growth is not None and self.first:
            grown = self.now - self.first
            shares.append((grown / limits.growth, f"{grown / MEGABYTE:.0f} MB grown"))
        return max(shares)
