"""CPU and wall of a trivial item: a process each, as Metaflow does it, against a pool of two.

Usage: pool_cpu.py [REPEATS]. Milliseconds per item; start, join and end are not counted. Files are
made where temporary files are; TMPDIR=/dev/shm leaves the disk out of it.
"""

from __future__ import annotations

import sys

from shared.runs import STOCK, Bar, per_item, tell

POOLED, PROCESSES = 1000, 60  # items of a run
BARS = {"cpu": Bar(least=30), "wall": Bar(least=20)}


def main(repeats: int) -> None:
    ours, other = [], []
    for _ in range(repeats):
        other.append(per_item(PROCESSES, STOCK))
        ours.append(per_item(POOLED))
    for what, bar in BARS.items():
        mine = [getattr(one, what) * 1000 for one in ours]
        theirs = [getattr(one, what) * 1000 for one in other]
        tell(f"pool_{what}", mine, theirs, bar, unit="ms per item", items=POOLED)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
