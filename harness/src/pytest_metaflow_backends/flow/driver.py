"""The test's side of a flow: one process is started, watched and ended, one answer is read.

Neither pytest nor Metaflow is imported and nothing is unpickled here. The flow's process gets the
backend's complete environment, so Metaflow is configured before its first import.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import FlowTimeoutError, HarnessError
from pytest_metaflow_backends.flow.outcome import FlowOutcome
from pytest_metaflow_backends.flow.tails import tail_of_file
from pytest_metaflow_backends.flow.tree import stop_below
from pytest_metaflow_backends.flow.workspace import Workspace

if TYPE_CHECKING:
    from pytest_metaflow_backends.flow.request import FlowRequest

DESCRIBE_SECONDS = 60.0  # to stop the flow and to describe what it left, beyond its own time limit
TIME_IS_UP = signal.SIGUSR1  # stop the flow, describe what it left
END_NOW = signal.SIGTERM  # stop the flow and end

# Without the first statement a module in the flow's folder could hide one of the standard library.
_CHILD = "import sys; sys.path.pop(0); from pytest_metaflow_backends.flow.child import main; main()"


def run_flow(request: FlowRequest) -> FlowOutcome:
    """Run a flow to its end and describe what it left; a flow that fails is an outcome too.

    Raises UsageError if the request cannot be right, FlowTimeoutError (which carries what was
    found out) if the flow does not end in time, HarnessError if the flow's process was killed.
    """
    __tracebackhide__ = True
    request.check()
    with tempfile.TemporaryDirectory(prefix="mf-flow-") as folder:
        work = Workspace(Path(folder))
        work.request.write_text(request.to_json())
        started = time.monotonic()
        child = _start(request, work)
        try:
            _watch(child, request.timeout)
        finally:
            _end(child)
        return _outcome(request, work, child.returncode, time.monotonic() - started)


def _start(request: FlowRequest, work: Workspace) -> subprocess.Popen[bytes]:
    with work.log.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-c", _CHILD, str(work.folder), str(os.getpid())],
            cwd=request.cwd,
            env=dict(request.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _watch(child: subprocess.Popen[bytes], timeout: float) -> None:
    """Wait for the process; past the time limit tell it so, and wait for what it still can say."""
    if _ended(child, timeout):
        return
    child.send_signal(TIME_IS_UP)
    _ended(child, DESCRIBE_SECONDS)


def _ended(child: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait without polling where the system can (pidfd_open: Linux >= 5.3)."""
    try:
        descriptor = os.pidfd_open(child.pid)
    except (AttributeError, OSError):
        return _polled(child, seconds)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def _polled(child: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(child: subprocess.Popen[bytes]) -> None:
    """Make sure that the process and all below it are gone, however we came here."""
    if child.poll() is None:
        child.send_signal(END_NOW)
        _polled(child, 5.0)
    if child.poll() is None:
        stop_below(child.pid, grace=0.0)
        child.kill()
    child.wait()


def _outcome(request: FlowRequest, work: Workspace, code: int, seconds: float) -> FlowOutcome:
    answer = work.read_answer()
    if answer is None:
        return _died(request, work, code, seconds)
    if "error" in answer:
        raise HarnessError(f"flow {request.path}: {answer['error']}")
    outcome = FlowOutcome.from_json(answer["outcome"])
    if answer["timed_out"]:
        raise _timeout(request, outcome)
    return outcome


def _died(request: FlowRequest, work: Workspace, code: int, seconds: float) -> FlowOutcome:
    """Judge a process that ended without an answer."""
    lines = request.tail_lines
    outcome = FlowOutcome(
        flow=request.path.stem,
        run_id=work.known_run_id(),
        status="failed",
        exit_code=code,
        seconds=seconds,
        stdout=work.tail("stdout", lines),
        stderr=work.tail("stderr", lines) or tail_of_file(work.log, lines),
    )
    if seconds >= request.timeout:
        raise _timeout(request, outcome)
    if work.loading.exists():  # the flow's own code ended the process while it was imported
        return outcome
    said = tail_of_file(work.log, 5).replace("\n", " | ") or "it said nothing"
    raise HarnessError(f"flow {request.path}: its process died (exit code {code}): {said}")


def _timeout(request: FlowRequest, outcome: FlowOutcome) -> FlowTimeoutError:
    where = outcome.pathspec if outcome.run_id else f"{request.path} (no run yet)"
    running = next((t.pathspec for t in outcome.tasks if t.status != "succeeded"), "")
    task = f", at task {running}" if running else ""
    return FlowTimeoutError(
        f"flow {where} did not end within {request.timeout:g} s and was stopped{task}", outcome
    )
