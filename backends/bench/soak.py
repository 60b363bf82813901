"""Bring backends up and down again and again, kill starts at random points, count what is left.

Usage: soak.py [--rounds 20] [--kills 10] [COLUMN ...]: columns of matrix.yaml, by default those of
the devstack. One JSON line per column: seconds of up and down, what was left after any round or
kill (the goal is nothing), and whether the next start worked after every kill.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.host.traces import Traces
from metaflow_backends.identity import pids
from metaflow_backends.ownership import VARIABLE
from pytest_metaflow_backends.matrix.load import load

if TYPE_CHECKING:
    from pytest_metaflow_backends.matrix.model import Column

ROOT = Path(__file__).resolve().parents[2]
DEVSTACK = ("s3", "docker", "nomad", "k8s", "k8s/kind")
LONGEST = 600.0  # seconds for one start
COMMAND = (sys.executable, "-m", "pytest_metaflow_backends")


def measure(column: Column, state: Path, rounds: int, kills: int) -> dict:
    """Run the rounds, then the kills, on one column; a line of figures."""
    before, running = Traces.now(), marked()
    left, ups, downs = 0, [], []
    for _ in range(rounds):
        ups.append(command("up", column, state))
        downs.append(command("down", column, state))
        left += (Traces.now() - before).count() + len(marked() - running)
    longest = max(ups, default=20.0)
    worked = 0
    for _ in range(kills):
        kill_at_some_point(column, state, longest)
        worked += command("up", column, state, check=False) is not None
        command("down", column, state)
        left += (Traces.now() - before).count() + len(marked() - running)
    return {
        "name": f"soak {column.name}",
        "rounds": rounds,
        "kills": kills,
        "left": left,
        "next up worked": worked,
        "goal": "left == 0, and every next up worked",
        "holds": left == 0 and worked == kills,
        "up": round(statistics.median(ups), 2) if ups else None,
        "up worst": round(longest, 2) if ups else None,
        "down": round(statistics.median(downs), 2) if downs else None,
        "load": round(os.getloadavg()[0], 2),
    }


def marked() -> set[int]:
    """Find all processes that any backend has started: they carry its mark."""
    return {pid for pid in pids() if _has_mark(pid)}


def _has_mark(pid: int) -> bool:
    try:
        return f"{VARIABLE}=".encode() in Path("/proc", str(pid), "environ").read_bytes()
    except OSError:  # it has ended
        return False


def command(word: str, column: Column, state: Path, *, check: bool = True) -> float | None:
    """Run `mf-backends up` or `down`; seconds that it took, None if it went wrong."""
    began = time.monotonic()
    done = subprocess.run(
        [*COMMAND, word, "--state", str(state), column.name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    if done.returncode == 0:
        return time.monotonic() - began
    print(done.stdout + done.stderr, file=sys.stderr)
    if check:
        sys.exit(f"{word} {column.name} ended with {done.returncode}")
    return None


def kill_at_some_point(column: Column, state: Path, longest: float) -> None:
    """Start `mf-backends up` and kill it, and nothing but it, with SIGKILL."""
    starter = subprocess.Popen(
        [*COMMAND, "up", "--state", str(state), column.name],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        starter.wait(random.uniform(0.05, longest))
    except subprocess.TimeoutExpired:
        starter.send_signal(signal.SIGKILL)
        starter.wait()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("columns", nargs="*")
    asked = parser.parse_args()
    matrix = load(ROOT / "matrix.yaml")
    wanted = asked.columns or DEVSTACK
    lines = []
    with tempfile.TemporaryDirectory(prefix="soak-") as state:
        for name in wanted:
            lines.append(measure(matrix.column(name), Path(state), asked.rounds, asked.kills))
            print(json.dumps(lines[-1]), flush=True)
    return 0 if all(line["holds"] for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
