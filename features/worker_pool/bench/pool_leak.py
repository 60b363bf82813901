"""Most memory of a worker whose items leak 1 MB each, beyond its first item, against the limit.

Usage: pool_leak.py [REPEATS]. Looks at all workers fifty times a second.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress

import psutil
from shared.runs import Bar, run, tell

ITEMS, LIMIT = 1000, 200  # MB
BAR = Bar(most=1.25)
WORKER = "worker-pool"  # the task id in the command of a worker


class Watcher(threading.Thread):
    """Keeps the least and the most memory of each worker, in MB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.ended, self.most = threading.Event(), 0.0
        self._first: dict[int, float] = {}

    def run(self) -> None:
        while not self.ended.wait(0.02):
            for process in psutil.Process().children(recursive=True):
                with suppress(psutil.Error):
                    if WORKER in process.cmdline():
                        self._look(process.pid, process.memory_info().rss / 2**20)

    def _look(self, pid: int, held: float) -> None:
        """Count from what a loaded worker holds: before, it holds less."""
        if held > 40:
            self._first.setdefault(pid, held)
        self.most = max(self.most, held - self._first.get(pid, held))


def grown() -> float:
    watcher = Watcher()
    watcher.start()
    run(ITEMS, {"METAFLOW_WORKER_POOL_MAX_RSS_GROWTH": str(LIMIT)}, leak=1)
    watcher.ended.set()
    time.sleep(0.1)
    return watcher.most


def main(repeats: int) -> None:
    ours = [grown() for _ in range(repeats)]
    tell("pool_leak", ours, [float(LIMIT)] * repeats, BAR, unit="MB beyond the first item")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
