"""The backend's side of a flow: its process. Started by `driver.run_flow`, and by nothing else.

It launches the flow through Metaflow's own Runner or Deployer, describes what is left, answers in
one file, and leaves no process behind. All failures of the flow are outcomes; only what breaks
here is an error.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow import guard
from pytest_metaflow_backends.flow.request import FlowRequest
from pytest_metaflow_backends.flow.tree import signal_below, stop_below, wait_until
from pytest_metaflow_backends.flow.workspace import Workspace

if TYPE_CHECKING:
    import subprocess
    from types import FrameType

    from pytest_metaflow_backends.flow.ending import Ending

LAUNCHER_GRACE = 10.0  # seconds for Metaflow to cancel what it started elsewhere
GRACE = 2.0  # seconds for any process to end when asked to


class TimeIsUp(BaseException):
    """The time limit passed; not an Exception, so that no one on the way handles it."""


def main() -> None:
    """Run the request in the folder named by the first argument, for the process of the second."""
    work = Workspace(Path(sys.argv[1]))
    signal.signal(signal.SIGUSR1, _time_is_up)
    signal.signal(signal.SIGTERM, _end_now)
    guard.die_with(int(sys.argv[2]), signal.SIGTERM)
    guard.adopt_orphans()
    answer = _answer(work)
    stop_below(os.getpid(), GRACE)
    work.write_answer(answer)
    sys.stdout.flush()
    # Nothing is left to do, and the flow's own code may have left threads that would hold us.
    os._exit(0)


def _time_is_up(_number: int, _frame: FrameType | None) -> None:
    raise TimeIsUp


def _end_now(_number: int, _frame: FrameType | None) -> None:
    stop_below(os.getpid(), GRACE)
    os._exit(1)


def _answer(work: Workspace) -> dict[str, Any]:
    try:
        request = FlowRequest.from_json(work.request.read_text())
        return _drive(request, work)
    except Exception as error:  # noqa: BLE001 - told to the parent, which raises it
        traceback.print_exc()
        return {"error": "".join(traceback.format_exception_only(error)).strip()}


def _drive(request: FlowRequest, work: Workspace) -> dict[str, Any]:
    started = time.monotonic()
    ending, timed_out = _ending(request, work)
    seconds = time.monotonic() - started
    from pytest_metaflow_backends.flow.describe import describe

    outcome = describe(request, work, ending, seconds)
    return {"outcome": outcome.to_json(), "timed_out": timed_out}


def _ending(request: FlowRequest, work: Workspace) -> tuple[Ending, bool]:
    """Run the flow to its end, or to the end of its time."""
    from pytest_metaflow_backends.flow.ending import Ending, Progress

    progress = Progress()
    try:
        ending = _launch(request, work, progress)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # too late: it ended
    except TimeIsUp:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        _interrupt(progress.programs)
        return Ending.stopped(progress), True
    return ending, False


def _interrupt(programs: list[subprocess.Popen[bytes]]) -> None:
    """Stop the flow as a person would: after Ctrl-C Metaflow cancels its remote tasks."""
    signal_below(os.getpid(), signal.SIGINT)
    wait_until(lambda: all(p.poll() is not None for p in programs), LAUNCHER_GRACE)
    stop_below(os.getpid(), GRACE)


def _launch(request: FlowRequest, work: Workspace, progress: Any) -> Ending:  # noqa: ANN401
    if request.mode == "deployer":
        from pytest_metaflow_backends.flow.deployed import deploy_and_run

        return deploy_and_run(request, work, progress)
    from pytest_metaflow_backends.flow.launched import launch

    return launch(request, work, progress)
