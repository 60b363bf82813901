"""How long a warm start of cluster, workflows, store and metadata takes, and what memory it holds.

Usage: k8s_up.py. Memory is what each process has for itself, with its part of what it shares
(PSS), and what lies in the memory file systems of the cluster.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path

from metaflow_backends.k8s import K8s
from metaflow_backends.k8s.embedded import IN_MEMORY
from metaflow_backends.k8s.enclosure import Enclosure
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Running, Settings

REPEATS = 5
UP, DOWN, MEMORY = 75.0, 10.0, 2.5  # goals: seconds, seconds, GB
SETTLE = 5.0  # seconds until it is idle


def main() -> None:
    """Start and stop, five times."""
    ups, downs, memories = [], [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            started = time.monotonic()
            try:
                running = K8s().start(Settings("k8s"), home)
                ups.append(time.monotonic() - started)
                time.sleep(SETTLE)
                memories.append(memory(running, home))
            finally:
                started = time.monotonic()
                K8s().stop(Running(), home)
                downs.append(time.monotonic() - started)
    for name, values, goal in (
        ("k8s_up", ups, UP),
        ("k8s_down", downs, DOWN),
        ("k8s_memory", memories, MEMORY),
    ):
        tell(name, statistics.median(values), goal)


def memory(running: Running, home: Path) -> float:
    """Add up the memory of a running cluster, in GB."""
    processes = sum(pss(process.pid) for process in Ownership.of(home).tagged())
    folders = [str(home / "k8s" / name) for name in IN_MEMORY]
    enclosure = Enclosure.of(running.details["enclosure"])
    said = enclosure.run(["df", "--block-size=1", "--output=used", *folders]).split()[1:]
    return (processes + sum(map(int, said))) / 1e9


def pss(pid: int) -> int:
    """Read the proportional set size of a process in bytes; 0 if it has just ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0
    return next(int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:"))


def tell(name: str, ours: float, goal: float) -> None:
    """Print one line of JSON."""
    line = {
        "name": name,
        "ours": round(ours, 2),
        "other": None,
        "ratio": None,
        "goal": goal,
        "holds": ours <= goal,
        "repeats": REPEATS,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is taken down
    main()
