"""How many workers a pool has: what was asked for, or what the machine can carry."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHARE = 0.8  # of the memory that is free
FIRST = 0.3  # weight of an item among those before it
IDLE = 0.7  # share of computing below which items are said to wait
_V2, _V1 = Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/cpu")


@dataclass(frozen=True)
class Machine:
    """What there is to share."""

    cpus: int
    memory: int  # bytes that are free
    worker: int  # bytes that a worker takes at first

    @classmethod
    def here(cls, worker: int) -> Machine:
        return cls(cpus(), free_memory(), max(1, worker))


@dataclass(frozen=True)
class Size:
    """The workers of a pool, and why no more."""

    workers: int
    reason: str

    @classmethod
    def of(cls, asked: int | None, slots: int, machine: Machine) -> Size:
        """Take what was asked for, or the least of CPUs, memory and --max-workers."""
        if asked is not None:
            return cls(asked, f"size={asked}")
        fit = max(1, int(machine.memory * SHARE / machine.worker))
        limits = [
            (machine.cpus, f"{machine.cpus} CPUs"),
            (slots, f"--max-workers {slots}"),
            (fit, f"{machine.memory // 2**20} MB of free memory"),
        ]
        return cls(*min(limits, key=lambda limit: limit[0]))


class Growth:
    """Lets a pool of automatic size grow where its items wait for something else than a CPU."""

    def __init__(self, size: Size, slots: int) -> None:
        self._size, self._slots, self._busy = size, slots, 1.0

    def after(self, busy: float | None, held: int) -> int:
        """Give the pool's size after an item: the share it computed, and its worker's bytes."""
        if busy is None:
            return self._size.workers
        self._busy += FIRST * (busy - self._busy)
        if self._busy > IDLE:
            return self._size.workers
        wanted = int(self._size.workers / max(self._busy, 1e-3))
        fit = self._size.workers + int(free_memory() * SHARE / max(held, 1))
        return max(self._size.workers, min(wanted, self._slots, fit))


def cpus() -> int:
    """Count the CPUs that this process may use, a quota of its control group included."""
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota()
    return own if quota is None else max(1, min(own, round(quota)))


def _quota() -> float | None:
    with suppress(OSError, ValueError, ZeroDivisionError):
        limit, period = (_V2 / "cpu.max").read_text().split()
        return None if limit == "max" else int(limit) / int(period)
    with suppress(OSError, ValueError, ZeroDivisionError):
        most = int((_V1 / "cpu.cfs_quota_us").read_text())
        return None if most < 0 else most / int((_V1 / "cpu.cfs_period_us").read_text())
    return None


def free_memory() -> int:
    """Give the bytes that can be had without pushing anything out, as the control group allows."""
    free = [_available()]
    with suppress(OSError, ValueError):
        limit = int((_V2 / "memory.max").read_text())
        free.append(limit - int((_V2 / "memory.current").read_text()))
    return max(0, min(free))


def _available() -> int:
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
