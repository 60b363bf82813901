from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from metaflow_backends.identity import Entry, boot_id, identify, is_running, this_process
from metaflow_backends.protocol import Process
from metaflow_backends.state import Phase, State, owner_alive


def test_this_process_runs():
    expected = Process(
        pid=os.getpid(),
        created=psutil.Process().create_time(),
        ticks=this_process().ticks,
    )

    actual = this_process()

    assert expected == actual
    assert is_running(actual)


def test_a_later_process_with_the_same_pid_is_another_one():
    assert this_process().ticks is not None
    recycled = replace(this_process(), ticks=this_process().ticks - 1)

    assert not is_running(recycled)


def test_a_process_is_recognised_after_the_clock_was_set():
    """The creation time is computed from the wall clock, and moves when that is set."""
    before = replace(this_process(), created=this_process().created - 3600)

    assert is_running(before)


@pytest.mark.parametrize(("shift", "same"), [(0.0, True), (0.5, True), (-30.0, False)])
def test_without_ticks_the_creation_time_decides(shift, same):
    process = Process(pid=os.getpid(), created=this_process().created + shift)

    assert same == is_running(process)


def test_an_ended_process_does_not_run(dead):
    assert not is_running(dead)


def test_a_zombie_does_not_run(eventually):
    child = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE)
    process = identify(child.pid)
    assert process is not None
    assert is_running(process)

    child.stdin.close()
    eventually(lambda: not is_running(process))

    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert identify(child.pid) is None
    child.wait()


def _state(**changes) -> State:
    base = State(
        id="t",
        column="c",
        kind="fake",
        phase=Phase.UP,
        home="/h",
        boot=boot_id(),
        started=1.0,
        owner=this_process(),
    )
    return replace(base, **changes)


def test_an_owner_of_another_boot_is_dead_even_if_its_pid_is_used():
    assert not owner_alive(_state(boot="another"))


def test_a_detached_backend_needs_no_owner_until_the_machine_restarts():
    assert owner_alive(_state(owner=None))
    assert not owner_alive(_state(owner=None, boot="another"))


def test_the_age_is_never_negative_when_the_clock_was_set_back():
    assert _state(started=2000.0).age(now=1000.0) == 0.0
    assert _state(started=1000.0).age(now=2000.0) == 1000.0


THREADS = """
import ctypes, threading, time
threading.Thread(target=time.sleep, args=(30,)).start()
print("up", flush=True)
ctypes.CDLL(None).syscall(60, 0)  # exit(2): the calling thread alone, which is the first
"""


def test_a_zombie_that_goes_while_its_threads_are_listed_has_none(monkeypatch, tmp_path):
    """Its folder was there a moment ago; whoever ends many processes meets this."""
    stat = tmp_path / "7" / "stat"
    stat.parent.mkdir()
    (tmp_path / "7" / "task").mkdir()
    stat.write_text(f"7 (x) Z {' '.join(str(number) for number in range(1, 20))}")
    monkeypatch.setattr("metaflow_backends.identity.PROC", tmp_path)
    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, _gone)

    assert Entry.read(7).ended


def _gone(path="."):
    raise ProcessLookupError(path)


def test_a_process_runs_until_its_last_thread_has_ended(eventually):
    """A leader that is a zombie while other threads live on still holds the process's ports."""
    child = subprocess.Popen([sys.executable, "-c", THREADS], stdout=subprocess.PIPE)
    process = identify(child.pid)
    child.stdout.readline()
    stat = Path(f"/proc/{child.pid}/stat")
    eventually(lambda: stat.read_text().rpartition(") ")[2][0] == "Z")

    runs = is_running(process)
    child.kill()
    child.communicate()

    assert runs
    assert not is_running(process)
