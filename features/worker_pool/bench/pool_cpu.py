"""CPU and wall of a trivial item: a process each, as Metaflow does it, against a pool of two.

Usage: pool_cpu.py [REPEATS]. Milliseconds per item, start, join and end not counted. Files are made
where temporary files are; TMPDIR=/dev/shm leaves the disk out of it.
"""

from __future__ import annotations

import os
import statistics
import sys

from shared.runs import STOCK, per_item, tell

POOLED, PROCESSES = 1000, 60  # items of a run
CPU, WALL = 30, 20
IMPORTS = os.environ.get("BENCH_IMPORTS", "")


def main(repeats: int) -> None:
    ours, other = [], []
    for _ in range(repeats):
        other.append(per_item(PROCESSES, STOCK))
        ours.append(per_item(POOLED))
    for what, goal in (("cpu", CPU), ("wall", WALL)):
        mine = [getattr(one, what) * 1000 for one in ours]
        theirs = [getattr(one, what) * 1000 for one in other]
        ratio = statistics.median(theirs) / statistics.median(mine)
        tell(
            f"pool_{what}", mine, theirs, f"ratio >= {goal}", holds=ratio >= goal,
            ratio=round(ratio, 1), unit="ms per item", items=POOLED,
        )  # fmt: skip


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
