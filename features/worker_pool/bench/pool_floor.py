"""CPU of a pooled item, against what Metaflow's own classes take for one in a single process.

Usage: pool_floor.py [REPEATS]. The floor does for each item all that the scheduler and a task do
to the store and the metadata, with Metaflow's own code: no process, no socket, no log.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from shared.runs import Bar, per_item, tell

ITEMS, BAR = 1000, Bar(most=1.6)
FLOOR = Path(__file__).parent / "flows/floor.py"


def floor() -> float:
    """Give the milliseconds of CPU that one item takes in one process."""
    with tempfile.TemporaryDirectory() as home:
        own = {"METAFLOW_USER": "bench", "METAFLOW_DATASTORE_SYSROOT_LOCAL": home}
        said = subprocess.check_output(
            [sys.executable, str(FLOOR), str(ITEMS)], env={**os.environ, **own}, cwd=home, text=True
        )
    return float(said.split()[-1])


def main(repeats: int) -> None:
    ours, other = [], []
    for _ in range(repeats):
        other.append(floor())
        ours.append(per_item(ITEMS).cpu * 1000)
    tell("pool_floor", ours, other, BAR, unit="ms of CPU per item")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
