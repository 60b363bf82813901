"""Wall of a run of items of ten seconds: a pool against a process each.

Usage: pool_long.py [REPEATS].
"""

from __future__ import annotations

import sys

from shared.runs import STOCK, Bar, run, tell

ITEMS, SECONDS = 6, 10.0
BAR = Bar(most=1.02)


def main(repeats: int) -> None:
    ours, other = [], []
    for _ in range(repeats):
        other.append(run(ITEMS, STOCK, wait=SECONDS).wall)
        ours.append(run(ITEMS, wait=SECONDS).wall)
    tell("pool_long", ours, other, BAR, unit="s of wall")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
