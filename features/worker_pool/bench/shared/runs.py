"""Runs of the flow of items, measured: CPU and wall of all processes of a run."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLOW = Path(__file__).parents[1] / "flows/items.py"
STOCK = {"METAFLOW_WORKER_POOL_LAUNCH": "never"}
LONGEST = 3600  # seconds of one run
FEW = 2  # items of the run that is taken off, so that start, join and end do not count


@dataclass(frozen=True)
class Cost:
    """Seconds of a run."""

    cpu: float
    wall: float

    def less(self, other: Cost, items: int) -> Cost:
        """Give the seconds per item of a run that had so many items more than another."""
        return Cost((self.cpu - other.cpu) / items, (self.wall - other.wall) / items)


def run(items: int, env: Mapping[str, str] = os.environ, **more: object) -> Cost:
    """Run the flow once in a store of its own, which is gone afterwards."""
    options = {"max-workers": 2, "max-num-splits": items + 1, "items": items, **more}
    argv = [sys.executable, str(FLOW), "--no-pylint", "run"]
    argv += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    home = tempfile.mkdtemp(prefix="pool-bench-")
    own = {"METAFLOW_USER": "bench", "METAFLOW_DATASTORE_SYSROOT_LOCAL": home}
    before, began = spent(), time.monotonic()
    try:
        done = subprocess.run(
            argv, env={**os.environ, **env, **own}, capture_output=True, text=True, timeout=LONGEST,
            check=False, cwd=home,
        )  # fmt: skip
        cost = Cost(spent() - before, time.monotonic() - began)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    if done.returncode:
        sys.exit(f"the flow failed: {(done.stdout + done.stderr)[-2000:]}")
    return cost


def per_item(items: int, env: Mapping[str, str] = os.environ, **more: object) -> Cost:
    """Give what an item costs: a run with so many more, less one with few."""
    few = run(FEW, env, **more)
    return run(FEW + items, env, **more).less(few, items)


def spent() -> float:
    """Add up the CPU of all processes that have ended below this one."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@dataclass(frozen=True)
class Bar:
    """What a ratio has to be: at least, or at most so much."""

    least: float | None = None
    most: float | None = None

    def holds(self, ratio: float) -> bool:
        return ratio >= self.least if self.least is not None else ratio <= (self.most or 0.0)

    def __str__(self) -> str:
        return f"ratio >= {self.least}" if self.least is not None else f"ratio <= {self.most}"


def tell(
    name: str, ours: Sequence[float], other: Sequence[float], bar: Bar, **more: object
) -> None:
    """Print the one line of a bench, from medians; the larger the bar's way, the better."""
    mine, theirs = statistics.median(ours), statistics.median(other)
    ratio = theirs / mine if bar.least is not None else mine / theirs
    line = {
        "name": name, "ours": round(mine, 3), "other": round(theirs, 3), "ratio": round(ratio, 3),
        **more, "goal": str(bar), "holds": bar.holds(ratio), "repeats": len(ours),
        "load": round(os.getloadavg()[0], 2),
    }  # fmt: skip
    print(json.dumps(line))
