from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from metaflow_backends import registry
from metaflow_backends.identity import this_process
from pytest_metaflow_backends.lifecycle import Lifecycle
from pytest_metaflow_backends.matrix.model import Column, Retries

WORKER = Path(__file__).with_name("worker.py")


def make_column(name: str = "fake", kind: str = "fake", **changes) -> Column:
    backend, _, variant = name.partition("/")
    settings = {
        "required": False,
        "provides": None,
        "timeout": 60.0,
        "start_timeout": 20.0,
        "retries": Retries(),
        **changes,
    }
    return Column(backend=backend, variant=variant or None, kind=kind, **settings)


@pytest.fixture
def column():
    return make_column


@pytest.fixture
def strays(tmp_path):
    """List the pids of processes that were started below this test's folder and still run."""

    def find() -> list[int]:
        return sorted(p.pid for p in psutil.process_iter() if _mentions(p, str(tmp_path)))

    yield find
    left = find()
    for pid in left:
        psutil.Process(pid).kill()
    assert left == [], "the test left processes behind"


@pytest.fixture
def state(tmp_path, strays) -> Path:
    del strays  # checks that nothing is left
    return tmp_path / "state"


@pytest.fixture
def events() -> list:
    return []


@pytest.fixture
def lifecycle(state, events):
    """Make the lifecycle of a run that this process controls."""

    def make(session: str = "s1", registry=registry, owner=None) -> Lifecycle:
        return Lifecycle(state, session, owner or this_process(), registry, events.append)

    return make


@pytest.fixture
def worker(state, tmp_path):
    """Start a process of a run in `worker.py`; its events are lines of `events.jsonl`."""

    def start(*actions: str, session: str = "s1", owner: int | None = None, **options):
        arguments = {
            "state": str(state),
            "session": session,
            "owner": owner,
            "events": str(tmp_path / "events.jsonl"),
            "options": options,
            "actions": actions,
        }
        return subprocess.Popen(
            [sys.executable, str(WORKER), json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def told(tmp_path):
    """Read the states that all workers' events have told so far, in order."""

    def read() -> list[str]:
        path = tmp_path / "events.jsonl"
        return [json.loads(line)["state"] for line in path.read_text().splitlines()]

    return read


@pytest.fixture
def eventually():
    """Wait until something holds; fails after ten seconds."""

    def wait(condition) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "it never became true"
            time.sleep(0.01)

    return wait


def _mentions(process: psutil.Process, text: str) -> bool:
    """Tell whether a process is one that a backend started: the fake's have its home in argv."""
    try:
        line = process.cmdline()
        started = "worker.py" not in " ".join(line[:2])
        return started and process.status() != psutil.STATUS_ZOMBIE and text in " ".join(line)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
