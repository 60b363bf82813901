"""What happens to processes: time limits, interrupts, kills. Everything here is killed for real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress

import psutil
import pytest
from pytest_metaflow_backends.errors import FlowTimeoutError, HarnessError
from pytest_metaflow_backends.flow import run_flow

# The step starts a process in a session of its own, which no signal to a group reaches, and one
# whose parent is gone. The variable tells the flow's processes from all others of this machine.
SLEEPER = """
    import subprocess, sys, time
    from metaflow import FlowSpec, step

    class Sleeper(FlowSpec):
        @step
        def start(self):
            self.before = 1
            self.next(self.end)

        @step
        def end(self):
            {prelude}
            null = subprocess.DEVNULL
            subprocess.Popen(["sleep", "600"], start_new_session=True, stdout=null, stderr=null)
            subprocess.run("setsid sleep 600 >/dev/null 2>&1 & exit 0", shell=True)
            print("asleep", flush=True)
            time.sleep(600)

    if __name__ == "__main__":
        Sleeper()
"""
IGNORES = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]"


def marked(mark: str) -> list[psutil.Process]:
    """Find the living processes that inherited the mark."""
    return [process for process in psutil.process_iter() if _has(process, mark)]


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("MARK") == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False


def wait_for(condition, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


def sleeping(mark):
    """Count the marked processes that sleep; others may end while they are counted."""
    count = 0
    for process in marked(mark):
        with suppress(psutil.NoSuchProcess):
            count += "sleep" in process.name()
    return count


@pytest.fixture
def marked_desk(desk):
    """Give (desk, mark, environment); what a failing test leaves is killed at its end."""
    mark = desk.folder.name + str(os.getpid())
    yield desk, mark, {**desk.environment, "MARK": mark}
    for process in marked(mark):
        with suppress(psutil.NoSuchProcess):  # it has just ended by itself
            process.kill()


@pytest.mark.parametrize("prelude", ["pass", IGNORES], ids=["polite step", "deaf step"])
def test_a_flow_past_its_time_is_stopped_whole_and_told_of(marked_desk, prelude):
    """No process is left, also none that moved to another session or lost its parent; the error
    names the task and carries what was there: finished tasks, output so far."""
    desk, mark, environment = marked_desk
    path = desk.write(SLEEPER.format(prelude=prelude))

    with pytest.raises(FlowTimeoutError, match=r"did not end within 7 s .*Sleeper/\d+/end/2") as e:
        run_flow(desk.request(path, environment=environment, timeout=7.0))

    assert marked(mark) == []
    assert e.value.outcome.status == "failed"
    assert e.value.outcome.value("start", "before") == 1
    assert e.value.outcome.task("end").status in {"failed", "running"}
    assert "asleep" in e.value.outcome.stdout


def test_a_flow_that_hangs_before_its_run_exists_is_stopped_too(marked_desk):
    desk, mark, environment = marked_desk
    path = desk.write("import time\ntime.sleep(600)\n")

    with pytest.raises(FlowTimeoutError, match="no run yet") as caught:
        run_flow(desk.request(path, environment=environment, timeout=1.0))

    assert marked(mark) == []
    assert caught.value.outcome.run_id is None


def test_a_successful_flow_leaves_no_process_behind_either(marked_desk):
    desk, mark, environment = marked_desk
    text = SLEEPER.format(prelude="pass").replace("time.sleep(600)", "pass")

    outcome = run_flow(desk.request(desk.write(text), environment=environment))

    assert outcome.successful
    assert marked(mark) == []


PARENT = """
    import json, sys
    from pathlib import Path
    from pytest_metaflow_backends.flow import FlowRequest, run_flow

    environment, path, folder = json.load(sys.stdin)
    request = FlowRequest(path=Path(path), cwd=Path(folder), environment=environment)
    try:
        run_flow(request)
    except KeyboardInterrupt:
        print("interrupted")
"""


@pytest.fixture
def parent(marked_desk):
    """Start a process that runs a sleeping flow, and wait until the flow sleeps."""
    import json

    desk, mark, environment = marked_desk
    path = desk.write(SLEEPER.format(prelude="pass"))
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    process.stdin.write(json.dumps([environment, str(path), str(desk.folder)]))
    process.stdin.close()
    wait_for(lambda: sleeping(mark) == 2)
    yield process, mark
    process.kill()
    process.wait()
    process.stdout.close()


def test_killing_the_test_process_ends_the_flow_and_all_its_processes(parent):
    process, mark = parent

    process.kill()

    wait_for(lambda: not marked(mark))


def test_an_interrupt_of_the_test_process_ends_the_flow_before_it_goes_on(parent):
    process, mark = parent

    process.send_signal(signal.SIGINT)

    said = process.stdout.read()
    assert said == "interrupted\n"
    assert marked(mark) == []


def test_a_killed_flow_process_is_an_error_and_leaves_nothing(marked_desk):
    """The process that drives the flow is killed by itself, as an out-of-memory killer would."""
    desk, mark, environment = marked_desk
    text = SLEEPER.format(prelude="import os, signal; os.kill(driver(), signal.SIGKILL)")
    finder = "def driver():\n    import psutil\n    return psutil.Process().parent().ppid()\n\n"
    path = desk.write(finder + textwrap.dedent(text))

    with pytest.raises(HarnessError, match=r"its process died \(exit code -9\)"):
        run_flow(desk.request(path, environment=environment))

    launchers = [p for p in marked(mark) if "run" in p.cmdline()]
    wait_for(lambda: not any(p.is_running() for p in launchers))
