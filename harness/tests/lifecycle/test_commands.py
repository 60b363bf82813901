from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from metaflow_backends.errors import BackendError
from metaflow_backends.state import Folder
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.lifecycle import Broken, down, status, up


def test_a_detached_backend_is_shared_by_runs_and_goes_on(state, lifecycle, column, events, strays):
    detached = up(state, column())
    for session in ("s1", "s2"):
        run = lifecycle(session)
        assert run.reap() == ()
        assert detached.running == run.acquire(column()).running
        run.release_all()

    assert len(strays()) == 1
    assert [event.state for event in events] == ["up", "up"]
    assert events[0].reason == "started by hand (mf-backends up)"
    assert down(state, "fake")


def test_a_detached_backend_that_died_is_told_with_the_cure(state, lifecycle, column):
    detached = up(state, column())
    os.kill(detached.running.processes[0].pid, signal.SIGKILL)
    os.waitpid(detached.running.processes[0].pid, 0)
    run = lifecycle()

    with pytest.raises(Broken, match=r"by hand and died: .*\(to go on: mf-backends down fake, th"):
        run.acquire(column())

    run.release_all()
    assert up(state, column()).running != detached.running
    down(state, "fake")


def test_a_detached_backend_with_other_settings_is_not_taken(state, lifecycle, column):
    up(state, column(options={"late": 0.01}))
    run = lifecycle()

    with pytest.raises(Broken, match="was started by hand with other settings"):
        run.acquire(column())

    run.release_all()
    down(state, "fake")


def test_up_is_idempotent_and_down_too(state, column, strays):
    first, second = up(state, column()), up(state, column())

    assert first.running == second.running
    assert len(strays()) == 1
    assert down(state, "fake")
    assert not down(state, "fake")
    assert not down(state, "no-such-column")
    assert strays() == []


def test_the_state_folder_is_hidden_from_git(state, column):
    up(state, column())
    down(state, "fake")

    assert (state / ".gitignore").read_text().endswith("\n*\n")


def test_up_in_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path, column):
    (tmp_path / "state").write_text("a file")

    with pytest.raises(UsageError, match=r"state folder .* cannot be used: .*--metaflow-state DIR"):
        up(tmp_path / "state", column())


def test_down_ends_the_processes_of_a_kind_that_is_no_longer_installed(state, column, strays):
    up(state, column())
    file = Folder.of(state, "fake").file
    file.write_text(file.read_text().replace('"kind": "fake"', '"kind": "gone"'))

    with pytest.raises(BackendError, match="unknown backend kind 'gone'"):
        down(state, "fake")

    assert strays() == []
    assert not down(state, "fake")


def test_up_starts_anew_what_died_or_has_other_settings(state, column, strays):
    first = up(state, column())
    other = up(state, column(options={"late": 0.01}))

    assert first.running.processes != other.running.processes
    assert len(strays()) == 1
    down(state, "fake")


def test_up_outlives_the_process_that_said_it(state, column, strays):
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from conftest import make_column; "
        "from pathlib import Path; from pytest_metaflow_backends.lifecycle import up; "
        "up(Path(sys.argv[1]), make_column())"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(state), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (run.returncode, run.stderr) == (0, "")
    assert len(strays()) == 1
    assert up(state, column()).running.processes[0].pid == strays()[0]
    down(state, "fake")


def test_up_and_down_leave_a_runs_backend_alone(state, lifecycle, column, strays):
    run = lifecycle()
    run.reap()
    run.acquire(column())

    with pytest.raises(UsageError, match=rf"is used by another run .process {os.getpid()}, "):
        up(state, column())
    with pytest.raises(UsageError, match=r"is used by a run .*--force"):
        down(state, "fake")

    assert len(strays()) == 1
    assert down(state, "fake", force=True)
    assert strays() == []
    run.release_all()


def test_a_backend_stopped_under_a_run_is_told(state, lifecycle, column):
    run, worker = lifecycle(), lifecycle()
    run.acquire(column())
    down(state, "fake", force=True)

    with pytest.raises(Broken, match="somebody stopped it during this run"):
        worker.acquire(column())

    run.release_all()


def test_status_tells_what_runs(state, lifecycle, column):
    detached = up(state, column("fake/x"))
    run = lifecycle()
    run.acquire(column("local", "local"))

    first, second = status(state)
    run.release_all()

    (server,) = detached.running.processes
    assert (
        first.column,
        first.kind,
        first.phase,
        first.owner,
    ) == ("fake/x", "fake", "up", "started by hand")
    assert first.health.alive
    assert (server.pid,) == first.processes
    assert first.memory > 1_000_000
    assert 0 <= first.age < 60
    assert detached.running.endpoints == first.endpoints
    assert detached.running.versions == first.versions
    assert ("local", f"run s1, process {os.getpid()}", ()) == (
        second.column,
        second.owner,
        second.processes,
    )
    down(state, "fake/x")
    assert status(state) == []


def test_status_tells_what_is_wrong(state, worker):
    killed = worker("acquire", "wait")
    killed.stdout.readline()
    killed.kill()
    killed.communicate()
    folder = Folder.of(state, "broken")
    with folder.lock(1):
        folder.file.write_text("{")

    broken, left = status(state)

    assert (broken.column, broken.phase) == ("broken", "unreadable")
    assert "`mf-backends down broken` clears it away" in broken.health.reason
    assert left.owner == f"run s1, process {killed.pid} (gone: the next run reaps it)"
    assert left.health.alive
    assert down(state, "broken")
    assert down(state, "fake")
