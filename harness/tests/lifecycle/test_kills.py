from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from metaflow_backends.identity import is_running
from metaflow_backends.state import Folder, folders
from pytest_metaflow_backends.lifecycle import Broken, down, status

POINTS = 10


def _free(state) -> bool:
    """Tell whether nobody holds a lock below the state folder."""
    for folder in folders(state):
        with folder.lock(0.0):
            pass
    return True


def _outputs(workers) -> list[str]:
    return [worker.communicate(timeout=120)[0] for worker in workers]


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Count the calls of one undisturbed start."""
    folder = tmp_path_factory.mktemp("calls")
    arguments = {
        "state": str(folder / "state"),
        "session": "s",
        "owner": None,
        "events": str(folder / "events.jsonl"),
        "options": {},
        "actions": ["reap", "calls", "release"],
    }
    run = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("worker.py")), json.dumps(arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    number = int(re.search(r"^calls (\d+)$", run.stdout, re.MULTILINE)[1])
    assert number > 20 * POINTS
    return number


def test_a_run_that_was_killed_is_reaped_by_the_next(worker, state, lifecycle, column, strays):
    killed = worker("reap", "acquire", "wait")
    assert killed.stdout.readline() == "reap []\n"
    pid = int(killed.stdout.readline().split()[1])
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert strays() == [pid]

    later = lifecycle("s2")
    (reaped,) = later.reap()

    assert ("fake", (pid,), "") == (reaped.column, reaped.processes, reaped.problem)
    assert f"its owner, process {killed.pid}, is gone" in reaped.reason
    assert strays() == []
    assert is_running(later.acquire(column()).running.processes[0])
    later.release_all()
    assert list(state.glob("*/decision-*")) == []
    assert list(state.glob(".runs/*.json")) == []


@pytest.mark.parametrize("point", range(POINTS))
def test_a_start_killed_at_any_point_leaves_nothing(
    worker, state, lifecycle, column, strays, calls, point
):
    """The points are spread evenly over all function calls that a start makes."""
    killed = worker("reap", f"die:{1 + point * calls // POINTS}", "acquire")
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL

    later = lifecycle("s2")
    later.reap()
    assert strays() == []
    active = later.acquire(column())
    active.check()
    later.release_all()

    assert strays() == []
    assert status(state) == []
    assert _free(state)


def test_a_worker_killed_in_the_start_is_replaced_by_the_next(
    worker, told, lifecycle, strays, eventually
):
    """The controller lives on, so the half start is the run's own."""
    controller = lifecycle()
    controller.reap()
    killed = worker("acquire", owner=os.getpid(), never=True)
    eventually(strays)
    killed.kill()
    killed.communicate()

    (output,) = _outputs([worker("acquire", owner=os.getpid())])

    assert [f"acquire {pid}\n" for pid in strays()] == [output]
    controller.release_all()
    assert told() == ["probing", "probing", "up"]


def test_a_damaged_state_is_one_line_and_the_run_goes_on(state, lifecycle, column, strays):
    first = lifecycle("s1")
    first.acquire(column())
    Folder.of(state, "fake").file.write_text("{")
    later = lifecycle("s2")

    (reaped,) = later.reap()

    assert "state.json: is no state file" in reaped.reason
    assert strays() == []
    later.acquire(column()).check()
    later.release_all()


def test_a_state_damaged_during_the_run_breaks_the_column(state, lifecycle, column):
    folder = Folder.of(state, "fake")
    with folder.lock(1):
        folder.file.write_text("{")

    with pytest.raises(Broken, match=r"is no state file .*\(to go on: mf-backends down fake\)"):
        lifecycle().acquire(column())

    assert down(state, "fake")
    lifecycle().release_all()
