from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest
from metaflow_backends.host.traces import Traces
from metaflow_backends.identity import identify

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.protocol import Process


@pytest.fixture
def strays(tmp_path):
    """List the pids of processes that were started for this test and still run."""

    def find() -> list[int]:
        return sorted(p.pid for p in psutil.process_iter() if _mentions(p, str(tmp_path)))

    yield find
    left = find()
    for pid in left:
        psutil.Process(pid).kill()
    assert left == [], "the test left processes behind"


@pytest.fixture
def dead() -> Process:
    """Describe a process that has ended."""
    child = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    process = identify(child.pid)
    child.communicate(b"\n")
    assert process is not None
    return process


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
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return text in " ".join(process.cmdline()) or process.environ().get("STRAY") == text
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


@pytest.fixture
def home(tmp_path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def nothing_left():
    """Compare what is on the machine before and after the test."""
    before = Traces.now()
    yield
    assert Traces.now() - before == Traces.none()
