from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from metaflow_backends.errors import BackendError
from metaflow_backends.identity import Entry, is_running
from metaflow_backends.ownership import VARIABLE, Ownership
from metaflow_backends.protocol import Health, Process
from metaflow_backends.spawning import finish, spawn, stop, wait_healthy

SLEEPER = "import time; print('ready', flush=True); time.sleep(300)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
# A parent whose child is deaf to SIGTERM, and which itself goes at once.
FAMILY = (
    "import subprocess, sys, time; subprocess.Popen([sys.executable, '-S', '-c', "
    f'"""{DEAF}""", sys.argv[1]]); time.sleep(300)'
)


@pytest.fixture
def run(home, strays, eventually):
    """Spawn a Python program and wait until it (or its child) has said that it is ready."""
    del strays  # checks that nothing is left

    def start(code: str, **env: str) -> Process:
        log = home / "logs" / "program.log"
        process = spawn(
            [sys.executable, "-S", "-c", code, str(home)],
            log=log,
            env=env,
            owner=Ownership.of(home),
        )
        eventually(lambda: "ready" in log.read_text())
        return process

    return start


def test_a_spawned_process_leads_a_session_and_carries_the_tag(run, home):
    process = run(SLEEPER, EXTRA="1")

    entry = Entry.read(process.pid)
    environment = psutil.Process(process.pid).environ()
    stop(process)

    assert entry is not None
    assert process.pid == entry.session != os.getsid(0)
    assert Ownership.of(home).tag == environment[VARIABLE]
    assert environment["EXTRA"] == "1"


def test_a_spawned_process_is_written_down_and_found_by_its_tag(run, home):
    process = run(SLEEPER)

    recorded = Ownership.of(home).recorded()
    tagged = Ownership.of(home).tagged()
    stop(process)

    assert (process,) == recorded
    assert [process.pid] == [found.pid for found in tagged]
    assert Ownership.of(home).tagged() == ()


def test_a_spawned_process_inherits_no_open_files(run, home):
    with (home / "open").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)  # noqa: FBT003 - its only form
        process = run(SLEEPER)
        files = [str(link.readlink()) for link in Path(f"/proc/{process.pid}/fd").iterdir()]
        stop(process)

    assert str(home / "open") not in files
    assert "/dev/null" in files


def test_stop_is_gentle_first(run):
    process = run(
        "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); " + SLEEPER
    )

    began = time.monotonic()
    stopped = stop(process, grace=20)

    assert stopped
    assert time.monotonic() - began < 10
    assert not is_running(process)


def test_stop_kills_what_is_deaf_to_sigterm(run):
    process = run(DEAF)

    assert stop(process, grace=0.1)
    assert not is_running(process)


def test_stop_ends_children_that_outlive_their_parent(run, strays):
    process = run(FAMILY)
    assert len(strays()) == 2

    stop(process, grace=0.1)

    assert strays() == []


def test_stop_leaves_no_zombie(run):
    process = run(SLEEPER)

    stop(process)

    assert Entry.read(process.pid) is None


def test_stop_is_idempotent(run):
    process = run(SLEEPER)

    assert stop(process)
    assert not stop(process)


def test_stop_leaves_a_later_process_with_the_same_pid_alone(run):
    process = run(SLEEPER)
    assert process.ticks is not None
    earlier = replace(process, ticks=process.ticks - 100)

    stopped = stop(earlier)
    alive = is_running(process)
    stop(process)

    assert not stopped
    assert alive


def test_a_program_that_does_not_exist_is_one_clear_line(home):
    with pytest.raises(BackendError, match=r"^cannot start no-such-program: No such file"):
        spawn(["no-such-program"], log=home / "log", env={}, owner=Ownership.of(home))


def test_waiting_ends_when_the_backend_answers(tmp_path):
    answers = iter([Health(alive=False), Health(alive=False), Health(alive=True)])

    wait_healthy(lambda: next(answers), timeout=10, log=tmp_path / "log")

    assert list(answers) == []


def test_waiting_in_vain_quotes_reason_and_log(tmp_path):
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n" for n in range(100)))

    with pytest.raises(BackendError) as caught:
        wait_healthy(lambda: Health(alive=False, reason="503"), timeout=0.1, log=log)

    first, *lines = str(caught.value).splitlines()
    assert first == f"no answer within 0.1 s: 503; the last lines of {log}:"
    assert [f"line {n}" for n in range(80, 100)] == lines


def test_waiting_ends_at_once_if_the_process_has_ended(run, tmp_path):
    process = run("print('ready: no such option')")

    began = time.monotonic()
    with pytest.raises(BackendError, match=r"ended before it answered.*\n.*no such option"):
        wait_healthy(
            lambda: Health(alive=False), 60, tmp_path / "home" / "logs" / "program.log", process
        )

    assert time.monotonic() - began < 10


@pytest.fixture
def run_to_end(home, strays):
    del strays  # checks that nothing is left

    def begin(code: str, timeout: float = 20.0) -> None:
        argv = [sys.executable, "-S", "-c", code, str(home)]
        finish(argv, log=home / "a.log", env={}, owner=Ownership.of(home), timeout=timeout)

    return begin


def test_a_program_that_is_run_to_its_end_carries_the_tag_meanwhile(run_to_end, home):
    run_to_end(f"import os; print(os.environ[{VARIABLE!r}])")

    assert (home / "a.log").read_text().strip() == Ownership.of(home).tag
    assert len(Ownership.of(home).recorded()) == 1


def test_a_program_that_fails_is_told_with_the_end_of_its_log(run_to_end):
    with pytest.raises(BackendError, match=r"(?s)ended with 3; .*no such luck"):
        run_to_end("import sys; print('no such luck', file=sys.stderr); sys.exit(3)")


def test_a_program_that_takes_too_long_is_ended_with_its_children(run_to_end):
    with pytest.raises(BackendError, match=r"(?s)did not end within 1 s; .*ready"):
        run_to_end(FAMILY, timeout=1.0)
