from __future__ import annotations

import sys
from dataclasses import replace

import pytest
from metaflow_backends import registry
from metaflow_backends.errors import BackendError
from metaflow_backends.identity import boot_id, is_running, this_process
from metaflow_backends.launch import bring_up, take_down
from metaflow_backends.ownership import VARIABLE, Ownership
from metaflow_backends.protocol import Settings
from metaflow_backends.reaping import reap
from metaflow_backends.spawning import end_all, spawn
from metaflow_backends.state import Folder, Phase

COLUMN = "fake/x"
# Its child has an empty environment.
PARENT = (
    "import subprocess, sys, time;"
    "subprocess.Popen([sys.executable, '-S', '-c', sys.argv[1]], env={}); time.sleep(300)"
)


@pytest.fixture
def folder(tmp_path, strays) -> Folder:
    del strays  # checks that nothing is left
    return Folder.of(tmp_path, COLUMN)


@pytest.fixture
def fake(folder):
    """Start a fake for an owner; gives its state."""

    def start(owner, **options):
        settings = Settings(name="fake", variant="x", start_timeout=20, options=options)
        with folder.lock(1):
            return bring_up(registry.load("fake"), settings, folder, session="s", owner=owner)

    return start


def _stop(state, folder):
    return take_down(state, folder, registry.load("fake"))


def test_what_a_dead_owner_left_is_stopped(tmp_path, folder, fake, dead, strays):
    state = fake(dead)
    (server,) = state.running.processes
    assert is_running(server)

    (reaped,) = reap(tmp_path)

    assert (COLUMN, (server.pid,), "") == (reaped.column, reaped.processes, reaped.problem)
    assert reaped.reason == f"its owner, process {dead.pid}, is gone (phase: up)"
    assert strays() == []
    assert folder.read() is None


def test_what_a_living_owner_has_is_left_alone(tmp_path, folder, fake):
    state = fake(this_process())

    assert reap(tmp_path) == ()
    assert registry.load("fake").health(state.running).alive
    assert _stop(state, folder) == ()


def test_an_owner_whose_pid_is_used_again_is_dead(tmp_path, fake, strays):
    me = this_process()
    assert me.ticks is not None
    fake(replace(me, ticks=me.ticks - 1))

    (reaped,) = reap(tmp_path)

    assert f"its owner, process {me.pid}, is gone" in reaped.reason
    assert strays() == []


def test_a_detached_backend_is_left_alone(tmp_path, folder, fake):
    state = fake(None)

    assert reap(tmp_path) == ()
    assert registry.load("fake").health(state.running).alive
    _stop(state, folder)


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.STOPPING])
def test_a_detached_start_or_stop_that_was_killed_is_finished(
    tmp_path, folder, fake, strays, phase
):
    """Nobody holds the lock, so nobody is still at it."""
    folder.write(replace(fake(None), phase=phase))

    (reaped,) = reap(tmp_path)

    assert reaped.reason == f"its {phase.value} phase was interrupted"
    assert strays() == []


def test_what_is_being_started_right_now_is_left_alone(tmp_path, folder, fake, dead):
    state = fake(dead)

    with folder.lock(1):
        assert reap(tmp_path) == ()
        _stop(state, folder)


def test_a_half_started_backend_is_found_by_what_was_written_down(
    tmp_path, folder, fake, dead, strays
):
    state = fake(dead)
    folder.write(replace(state, phase=Phase.STARTING, running=type(state.running)()))

    (reaped,) = reap(tmp_path)

    assert (state.running.processes[0].pid,) == reaped.processes
    assert strays() == []


def test_a_process_nobody_wrote_down_is_found_by_its_tag(tmp_path, folder, fake, dead, strays):
    state = fake(dead)
    folder.write(replace(state, phase=Phase.STARTING, running=type(state.running)()))
    Ownership.of(folder.home_of(state)).ledger.unlink()

    (reaped,) = reap(tmp_path)

    assert (state.running.processes[0].pid,) == reaped.processes
    assert strays() == []


def test_a_process_that_dropped_the_tag_is_found_in_its_parents_family(
    tmp_path, folder, fake, dead, strays, eventually
):
    """`env -i` and `sudo` drop the environment; the parent that was written down is known."""
    state = fake(dead)
    home = folder.home_of(state)
    child = f"import time; time.sleep(300)  # {home}"
    spawn(
        [sys.executable, "-S", "-c", PARENT, child],
        log=home / "log",
        env={},
        owner=Ownership.of(home),
    )
    eventually(lambda: len(strays()) == 3)

    (reaped,) = reap(tmp_path)

    assert len(reaped.processes) == 3
    assert strays() == []


def test_a_leak_is_ended_and_told(folder, fake, strays):
    state = fake(this_process(), leaks=True)

    left = _stop(state, folder)

    assert len(left) == 1
    assert strays() == []


def test_after_a_restart_of_the_machine_no_pid_is_believed(tmp_path, folder, fake):
    """What has a recorded pid now is somebody else's; the tag alone is proof."""
    state = fake(None)
    home = folder.home_of(state)
    (server,) = state.running.processes
    ledger = Ownership.of(home).ledger
    ledger.write_text(ledger.read_text().replace(boot_id(), "earlier"))
    folder.write(replace(state, boot="earlier", id="no-such-tag"))

    (reaped,) = reap(tmp_path)

    assert (reaped.reason, reaped.processes) == ("the machine was restarted since", ())
    assert folder.read() is None
    assert is_running(server)
    end_all(Ownership.of(home).tagged(), 1)


def test_a_damaged_state_is_set_aside_and_its_processes_end(tmp_path, folder, fake, strays):
    fake(this_process())
    folder.file.write_text('{"v": 1, "id"')

    (reaped,) = reap(tmp_path)

    assert "state.json: is no state file" in reaped.reason
    assert "\n" not in reaped.reason
    assert len(reaped.processes) == 1
    assert strays() == []
    assert folder.read() is None
    assert folder.file.with_name("state.json.corrupt").read_text() == '{"v": 1, "id"'


def test_a_state_file_deleted_by_hand_hides_no_process(tmp_path, folder, fake, strays):
    fake(this_process())
    folder.file.unlink()

    (reaped,) = reap(tmp_path)

    assert reaped.reason == "its state file was deleted"
    assert strays() == []


def test_a_state_of_another_release_is_left_as_it_is(tmp_path, folder, fake):
    state = fake(None)
    text = folder.file.read_text().replace('"v": 1', '"v": 2')
    folder.file.write_text(text)

    (reaped,) = reap(tmp_path)

    assert "has version 2" in reaped.problem
    assert text == folder.file.read_text()
    _stop(state, folder)


def test_processes_end_even_if_the_kind_is_no_longer_installed(
    tmp_path, folder, fake, dead, strays
):
    folder.write(replace(fake(dead), kind="gone"))

    (reaped,) = reap(tmp_path)

    assert "unknown backend kind 'gone'" in reaped.problem
    assert strays() == []
    assert folder.read() is None


def test_a_backend_that_cannot_be_stopped_is_kept_for_the_next_try(tmp_path, folder, fake, dead):
    class Stubborn(type(registry.load("fake"))):
        def stop(self, running, home):
            del running, home
            raise RuntimeError("the daemon does not answer")

    fake(dead)

    (reaped,) = reap(tmp_path, lambda _: Stubborn())
    (again,) = reap(tmp_path)

    assert "could not be stopped: RuntimeError: the daemon does not answer" in reaped.problem
    assert again.problem == ""
    assert folder.read() is None


@pytest.mark.parametrize("error", [BackendError("no"), KeyboardInterrupt()], ids=["error", "^C"])
def test_a_start_that_raises_leaves_nothing(folder, strays, error):
    class Failing(type(registry.load("fake"))):
        def start(self, settings, home):
            super().start(settings, home)
            raise error

    with folder.lock(1), pytest.raises(type(error)):
        bring_up(Failing(), Settings(name="fake", variant="x"), folder)

    assert strays() == []
    assert folder.read() is None


def test_the_calling_process_is_never_taken_for_a_leftover(home, monkeypatch):
    """A backend's step may itself run tests, and carries the tag then."""
    monkeypatch.setenv(VARIABLE, Ownership.of(home).tag)

    assert Ownership.of(home).tagged() == ()
