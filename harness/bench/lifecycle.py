"""Count starts, stops and leaks when many workers want one backend at once.

Each repeat is one run: its workers (real processes) acquire the same column at the same moment,
then the controller releases it. What is counted does not depend on the clock: starts that the
workers made, backends that went down, and processes, listening ports and locks that are left.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import sys
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil
from filelock import FileLock, Timeout
from metaflow_backends import registry
from metaflow_backends.identity import this_process
from metaflow_backends.state import folders
from pytest_metaflow_backends.lifecycle import Lifecycle
from pytest_metaflow_backends.matrix.model import Column, Retries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Barrier

    from metaflow_backends.protocol import Process
    from pytest_metaflow_backends.records import BackendEvent

COLUMN = Column(
    backend="fake",
    variant=None,
    kind="fake",
    required=False,
    provides=None,
    timeout=60,
    start_timeout=60,
    retries=Retries(),
)
TIMEOUT = 120.0  # seconds for all workers of one repeat


@dataclass(frozen=True)
class Counts:
    """What one repeat, or all of them, started, stopped and left behind."""

    starts: int = 0
    stops: int = 0
    leaked_processes: int = 0
    leaked_ports: int = 0
    leaked_locks: int = 0

    def __add__(self, other: Counts) -> Counts:
        values = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return Counts(**values)


class Crew:
    """The worker processes; they live through all repeats, as xdist workers live through tests."""

    def __init__(self, size: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.barrier = context.Barrier(size)
        self.pipes = []
        self.processes = []
        for _ in range(size):
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, self.barrier), daemon=True)
            process.start()
            self.pipes.append(ours)
            self.processes.append(process)

    def acquire(self, state: Path, session: str, owner: Process) -> tuple[set[str], int]:
        """Let all acquire at once; gives their endpoints and how many starts it took."""
        for pipe in self.pipes:
            pipe.send((state, session, owner))
        answers = [self._answer(pipe) for pipe in self.pipes]
        return {endpoint for endpoint, _ in answers}, sum(starts for _, starts in answers)

    @staticmethod
    def _answer(pipe: Connection) -> tuple[str, int]:
        if not pipe.poll(TIMEOUT):
            raise TimeoutError(f"a worker did not answer within {TIMEOUT:g} s")
        return pipe.recv()

    def dismiss(self) -> None:
        for pipe in self.pipes:
            pipe.send(None)
        for process in self.processes:
            process.join(TIMEOUT)


def work(pipe: Connection, barrier: Barrier) -> None:
    """Acquire the column for every run that is asked for, at the same moment as the others."""
    while (asked := pipe.recv()) is not None:
        events: list[BackendEvent] = []
        run = Lifecycle(*asked, registry, events.append)
        barrier.wait(TIMEOUT)
        endpoint = run.acquire(COLUMN).running.endpoints["health"]
        pipe.send((endpoint, sum(event.state == "probing" for event in events)))


def repeat(crew: Crew, state: Path, session: str) -> Counts:
    """Do one run and count."""
    events: list[BackendEvent] = []
    controller = Lifecycle(state, session, this_process(), registry, events.append)
    controller.reap()
    endpoints, starts = crew.acquire(state, session, this_process())
    controller.release_all()
    if len(endpoints) != 1:
        raise RuntimeError(f"the workers were handed {len(endpoints)} backends: {endpoints}")
    return Counts(
        starts=starts,
        stops=sum(event.state == "down" and not event.reason for event in events),
        leaked_processes=sum(_mentions(process, str(state)) for process in psutil.process_iter()),
        leaked_ports=sum(_listens(endpoint) for endpoint in endpoints),
        leaked_locks=sum(_held(path) for path in _locks(state)),
    )


def _mentions(process: psutil.Process, text: str) -> bool:
    try:
        return text in " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def _listens(endpoint: str) -> bool:
    where = urlsplit(endpoint)
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((where.hostname, where.port)) == 0


def _locks(state: Path) -> Sequence[Path]:
    return [*(folder.root / "lock" for folder in folders(state)), state / ".runs" / "lock"]


def _held(path: Path) -> bool:
    try:
        with FileLock(path, timeout=0):
            return False
    except Timeout:
        return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=50)
    asked = parser.parse_args()
    crew = Crew(asked.workers)
    with tempfile.TemporaryDirectory(prefix="lifecycle-") as folder:
        state = Path(folder) / "state"
        total = sum((repeat(crew, state, f"s{n}") for n in range(asked.repeats)), Counts())
    crew.dismiss()
    holds = total == Counts(starts=asked.repeats, stops=asked.repeats)
    facts = {f.name: getattr(total, f.name) for f in fields(total)}
    line = {"name": "lifecycle", **facts, "workers": asked.workers, "repeats": asked.repeats}
    print(json.dumps({**line, "holds": holds, "load": round(os.getloadavg()[0], 2)}))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
