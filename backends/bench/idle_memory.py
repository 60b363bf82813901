"""What memory the whole devstack holds while nobody uses it.

Usage: idle_memory.py. Starts docker, nomad and k8s (with Argo, a store and a metadata service) with
`mf-backends up`, waits until they are idle, and adds up what k8s_up.py calls memory.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from k8s_up import SETTLE, memory, pss
from metaflow_backends.ownership import Ownership
from metaflow_backends.state import Folder

ROOT = Path(__file__).resolve().parents[2]
COLUMNS = ("docker", "nomad", "k8s")
REPEATS = 2  # a start takes most of a minute
GOAL = 2.5  # GB
LONGEST = 600.0  # seconds


def main() -> None:
    """Start, wait, add up, stop."""
    columns: dict[str, list[float]] = {name: [] for name in COLUMNS}
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory(prefix="idle-") as state:
            try:
                command("up", state)
                time.sleep(4 * SETTLE)
                for name, values in columns.items():
                    values.append(held(Folder.of(Path(state), name)))
            finally:
                command("down", state)
    medians = {name: round(statistics.median(values), 3) for name, values in columns.items()}
    whole = sum(medians.values())
    line = {
        "name": "idle_memory",
        "ours": round(whole, 3),
        "other": GOAL,
        "ratio": round(whole / GOAL, 2),
        "goal": f"<= {GOAL:g} GB",
        "holds": whole <= GOAL,
        "repeats": REPEATS,
        "GB": medians,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line))


def command(word: str, state: str) -> None:
    """Run `mf-backends up` or `down` on all columns."""
    argv = [sys.executable, "-m", "pytest_metaflow_backends", word, "--state", state, *COLUMNS]
    subprocess.run(argv, cwd=ROOT, check=True, timeout=LONGEST, stdout=subprocess.DEVNULL)


def held(folder: Folder) -> float:
    """Add up the memory of one backend that is up, in GB."""
    state = folder.read()
    if state is None:
        sys.exit(f"{folder.column} is not up")
    if state.running.provider == "running":
        sys.exit(f"{folder.column} was there before: its memory is not ours to count")
    home = folder.home_of(state)
    if "enclosure" in state.running.details:
        return memory(state.running, home)
    return sum(pss(process.pid) for process in Ownership.of(home).tagged()) / 1e9


if __name__ == "__main__":
    main()
