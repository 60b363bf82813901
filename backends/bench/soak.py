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

from metaflow_backends import registry
from metaflow_backends.host.traces import Traces
from metaflow_backends.launch import bring_up, take_down
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Running
from metaflow_backends.reaping import reap
from metaflow_backends.state import Folder
from pytest_metaflow_backends.lifecycle.starting import settings_of
from pytest_metaflow_backends.matrix.load import load

if TYPE_CHECKING:
    from pytest_metaflow_backends.matrix.model import Column

ROOT = Path(__file__).resolve().parents[2]
DEVSTACK = ("s3", "docker", "nomad", "k8s")
LONGEST = 600.0  # seconds for one start
START = """
import json, sys
from pathlib import Path
from metaflow_backends import registry
from metaflow_backends.protocol import Settings
given = json.loads(sys.argv[1])
registry.load(given.pop("kind")).start(Settings(**given["settings"]), Path(given["home"]))
"""


def measure(column: Column, state: Path, rounds: int, kills: int) -> dict:
    backend, settings = registry.load(column.kind), settings_of(column)
    folder = Folder.of(state, column.name)
    before = Traces.now()
    left, ups, downs = 0, [], []
    for _ in range(rounds):
        with folder.lock(LONGEST):
            began = time.monotonic()
            running = bring_up(backend, settings, folder)
            ups.append(time.monotonic() - began)
            began = time.monotonic()
            left += len(take_down(running, folder, backend))
            downs.append(time.monotonic() - began)
        left += (Traces.now() - before).count()
    longest = max(ups, default=20.0)
    for _ in range(kills):
        home = folder.root / f"home-{random.randrange(16**8):08x}"
        home.mkdir(parents=True)
        given = {"kind": column.kind, "home": str(home), "settings": vars(settings)}
        starter = subprocess.Popen([sys.executable, "-c", START, json.dumps(given, default=dict)])
        try:
            starter.wait(random.uniform(0.05, longest))
        except subprocess.TimeoutExpired:
            os.kill(starter.pid, signal.SIGKILL)
            starter.wait()
        backend.stop(Running(), home)
        left += len(Ownership.of(home).tagged()) + (Traces.now() - before).count()
    reap(state, registry.load)
    return {
        "name": f"soak {column.name}",
        "rounds": rounds,
        "kills": kills,
        "left": left,
        "goal": "left == 0",
        "holds": left == 0,
        "up": round(statistics.median(ups), 2) if ups else None,
        "up worst": round(longest, 2) if ups else None,
        "down": round(statistics.median(downs), 2) if downs else None,
        "load": round(os.getloadavg()[0], 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("columns", nargs="*")
    asked = parser.parse_args()
    matrix = load(ROOT / "matrix.yaml")
    wanted = asked.columns or [n for n in DEVSTACK if n in matrix.backends()]
    lines = []
    with tempfile.TemporaryDirectory(prefix="soak-") as state:
        for name in wanted:
            lines.append(measure(matrix.column(name), Path(state), asked.rounds, asked.kills))
            print(json.dumps(lines[-1]), flush=True)
    return 0 if all(line["holds"] for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
