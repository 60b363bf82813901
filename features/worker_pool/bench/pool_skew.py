"""Wall of items of which one in fifty is twenty times as long, against the best order there is.

Usage: pool_skew.py [REPEATS]. The items sleep, so that it is the distribution which is measured.
"""

from __future__ import annotations

import sys

from shared.runs import FEW, Bar, run, tell

ITEMS, SECONDS, UNEVEN, WORKERS = 200, 0.05, 50, 2
BAR = Bar(most=1.15)


def main(repeats: int) -> None:
    work = ITEMS * SECONDS * (UNEVEN - 1 + 20) / UNEVEN
    empty = run(FEW).wall  # start, join, end and the start of the workers
    ours = [run(ITEMS, wait=SECONDS, uneven=UNEVEN).wall - empty for _ in range(repeats)]
    tell("pool_skew", ours, [work / WORKERS] * repeats, BAR, unit="s of wall")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
