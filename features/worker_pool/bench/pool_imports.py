"""CPU of a trivial item of a flow that imports numpy, pandas and scikit-learn, both ways.

Usage: pool_imports.py [REPEATS]. The line names what was there to import.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from shared.runs import STOCK, Bar, per_item, tell

WANTED = ("numpy", "pandas", "sklearn.ensemble")
POOLED, PROCESSES = 1000, 20
BAR = Bar(least=150)


def main(repeats: int) -> None:
    there = [name for name in WANTED if find_spec(name.partition(".")[0])]
    env = {"BENCH_IMPORTS": " ".join(there)}
    ours, other = [], []
    for _ in range(repeats):
        other.append(per_item(PROCESSES, {**STOCK, **env}).cpu * 1000)
        ours.append(per_item(POOLED, env).cpu * 1000)
    tell("pool_imports", ours, other, BAR, unit="ms of CPU per item", imports=there)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
