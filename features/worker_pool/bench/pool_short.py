"""Wall of items of 50 ms of CPU in a pool, against those 50 ms shared by all CPUs.

Usage: pool_short.py [REPEATS]. On a machine that has nothing else to do.
"""

from __future__ import annotations

import os
import sys

from shared.runs import Bar, per_item, tell

ITEMS, SECONDS = 200, 0.05
BAR = Bar(most=1.2)


def main(repeats: int) -> None:
    at_once = min(2, os.cpu_count() or 1)
    ours = [per_item(ITEMS, compute=SECONDS).wall * 1000 for _ in range(repeats)]
    ideal = [SECONDS / at_once * 1000] * repeats
    tell("pool_short", ours, ideal, BAR, unit="ms of wall per item")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
