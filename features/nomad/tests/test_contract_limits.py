"""What a step may use, and for how long: told, caught, and ended in time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = [pytest.mark.timeout(300), pytest.mark.faults]
FLOWS = Path(__file__).parent / "flows"
LIMIT, ALLOWED = 5, 5  # seconds of @timeout in the flow, and what may pass after it
PAUSE = 5.0  # seconds
MEMORY = "out of memory: the task used more than 200 MB"
SAID = {
    "docker": MEMORY,
    "exec": MEMORY,
    "raw_exec": "it may have used more than memory=200 MB",
}


@pytest.mark.slow
@pytest.mark.backends("nomad")
def test_memory_and_time_that_ran_out_are_told_and_caught(mf_flow):
    run = mf_flow(FLOWS / "limits.py", compare=False)

    assert "Something in the execution environment" in run.value("join", "memory_failure")
    assert "timed out" in run.value("join", "endless_failure")
    assert run.task("memory").attempts == 2
    assert SAID[run.task("endless").metadata["nomad-driver"]] in run.stdout


@pytest.fixture
def deaf(environment, tmp_path):
    """Start the flow that heeds no @timeout; gives its process and how to wait for its end."""
    file = tmp_path / "ran"
    argv = [sys.executable, str(FLOWS / "deaf.py"), "--no-pylint", "run", "--file", str(file)]
    process = subprocess.Popen(
        argv, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    yield process, Ran(file)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@dataclass(frozen=True)
class Ran:
    """The times at which the step's code was seen to run."""

    file: Path

    def times(self):
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [float(line) for line in lines]

    def over(self):
        """Say whether it has not been seen for longer than it ever pauses."""
        times = self.times()
        return bool(times) and time.time() - times[-1] > PAUSE

    def seconds(self):
        times = self.times()
        return times[-1] - times[0]


@pytest.mark.backends("nomad/raw_exec")
def test_a_step_that_heeds_no_timeout_is_ended_in_time(deaf):
    process, ran = deaf

    out, _ = process.communicate(timeout=120)

    assert LIMIT <= ran.seconds() <= LIMIT + ALLOWED
    assert process.returncode != 0
    assert "not now: Step start timed out" in out
    assert "the step ran longer than its @timeout" in out


@pytest.mark.smoke
@pytest.mark.backends("nomad/raw_exec")
def test_a_step_that_heeds_no_timeout_is_ended_though_its_launcher_is_dead(
    deaf, eventually, killed
):
    process, ran = deaf
    eventually(ran.times)

    killed(process.pid)

    eventually(ran.over, 60)
    assert LIMIT <= ran.seconds() <= LIMIT + ALLOWED
