from __future__ import annotations

import os
import re

import pytest
from metaflow_backends import registry
from metaflow_backends.errors import BackendError
from metaflow_backends.identity import identify, this_process
from metaflow_backends.state import Folder, folders
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.lifecycle import Broken, Lifecycle


def _outputs(workers) -> list[str]:
    return [worker.communicate(timeout=120)[0] for worker in workers]


def _free(state) -> bool:
    """Tell whether nobody holds a lock below the state folder."""
    for folder in folders(state):
        with folder.lock(0.0):
            pass
    return True


def test_eight_processes_at_once_make_one_start_and_one_stop(
    worker, told, state, lifecycle, strays
):
    controller = lifecycle()
    controller.reap()
    workers = [worker("acquire", owner=os.getpid(), late=0.3) for _ in range(8)]

    outputs = _outputs(workers)
    running = strays()
    controller.release_all()

    assert len(set(outputs)) == 1
    assert f"acquire {running[0]}\n" == outputs[0]
    assert len(running) == 1
    assert told() == ["probing", "up"]
    assert strays() == []
    assert _free(state)


def test_eight_processes_at_once_hear_one_no(worker, told, lifecycle):
    controller = lifecycle()
    controller.reap()

    outputs = _outputs([worker("acquire", owner=os.getpid(), start_error="no") for _ in range(8)])
    controller.release_all()

    assert {"acquire Broken fake is broken: no\n"} == set(outputs)
    assert told() == ["probing", "failed"]


def test_failures_are_counted_across_processes(worker, told, lifecycle, column):
    controller = lifecycle()
    controller.acquire(column())

    outputs = _outputs([worker("fail", owner=os.getpid()) for _ in range(4)])

    with pytest.raises(Broken, match="failed 2 times"):
        controller.acquire(column())
    controller.release_all()
    assert sorted(outputs) == ["fail False\n"] * 3 + ["fail True\n"]
    assert told() == ["broken"]


def test_a_second_run_in_the_same_folder_is_told_who_has_it(worker, state, lifecycle, column):
    first = worker("reap", "acquire", "wait", "acquire", "release")
    assert first.stdout.readline() == "reap []\n"
    acquired = first.stdout.readline()
    second = lifecycle("s2")

    with pytest.raises(UsageError) as caught:
        second.reap()
    with pytest.raises(UsageError, match="is used by another run"):
        second.acquire(column())
    first_output, _ = first.communicate("go\n", timeout=60)

    assert re.fullmatch(
        rf"the state folder {re.escape(str(state))} is used by another run \(process {first.pid}, "
        r"started \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\); wait for it, or give this run its own with "
        r"--metaflow-state DIR",
        str(caught.value),
    )
    assert f"wait go\n{acquired}release None\n" == first_output
    assert second.reap() == ()
    second.release_all()


def test_eight_runs_at_once_in_one_folder_leave_one(worker):
    runs = [worker("reap", "wait", session=f"s{n}") for n in range(8)]
    answers = [run.stdout.readline() for run in runs]
    for run in runs:
        run.communicate("\n", timeout=60)

    assert sorted(a[:15].strip() for a in answers) == ["reap UsageError"] * 7 + ["reap []"]


def test_a_claim_of_a_process_with_a_recycled_pid_is_void(state, lifecycle, events):
    me = this_process()
    assert me.ticks is not None
    earlier = type(me)(pid=me.pid, created=me.created - 5, ticks=me.ticks - 500)
    Lifecycle(state, "s0", earlier, registry, events.append).reap()

    run = lifecycle("s1")

    assert run.reap() == ()
    run.release_all()


def test_an_owner_known_by_pid_and_time_alone_is_completed(state, lifecycle):
    """Who makes the lifecycle may know a process only as psutil does."""
    me = this_process()
    run = lifecycle(owner=type(me)(pid=me.pid, created=me.created))
    run.reap()

    (claim,) = state.glob(".runs/*.json")
    assert f'"ticks": {me.ticks}' in claim.read_text()
    run.release_all()


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path, events):
    (tmp_path / "state").write_text("a file")

    with pytest.raises(UsageError, match=r"state folder .* cannot be used: .*--metaflow-state DIR"):
        Lifecycle(tmp_path / "state", "s", this_process(), registry, events.append).reap()


def test_a_lock_held_by_a_stuck_process_is_told(state, lifecycle, column, monkeypatch):
    monkeypatch.setattr("pytest_metaflow_backends.lifecycle.coordination.LOCK_MARGIN", 0.0)
    with Folder.of(state, "fake").lock(1), pytest.raises(BackendError, match="mf-backends status"):
        lifecycle().acquire(column(start_timeout=0.1))


def test_no_process_is_known_by_a_pid_that_is_not_there():
    assert identify(2**22 + 1) is None
