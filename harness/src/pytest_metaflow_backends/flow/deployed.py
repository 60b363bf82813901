"""Deploy a flow to a production scheduler through Metaflow's Deployer, run it once, delete it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow.ending import Ending, Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_metaflow_backends.flow.request import FlowRequest
    from pytest_metaflow_backends.flow.workspace import Workspace

POLL = 1.0  # seconds between two looks at the scheduler
FORGOTTEN = 10  # empty answers in a row: what it knew and knows no more has ended
WENT_WELL = frozenset({"succeeded", "success", "successful", "completed"})
WENT_BADLY = frozenset(
    {"failed", "failure", "error", "timed_out", "aborted", "terminated", "cancelled"}
)


def deploy_and_run(request: FlowRequest, work: Workspace, progress: Progress) -> Ending:
    """Run the deployed flow to its end; a deployment that fails is told by the ending."""
    from pytest_metaflow_backends.flow.launched import failed

    try:
        with _deployed(request, work, progress) as flow:
            triggered = flow.trigger(**request.parameters)
            progress.pathspec, progress.metadata = triggered.pathspec, triggered.metadata_for_flow
            return Ending(exit_code=_wait(triggered), progress=progress)
    except Exception as error:  # noqa: BLE001 - schedulers raise what they like
        return failed(error, work, progress)


@contextmanager
def _deployed(request: FlowRequest, work: Workspace, progress: Progress) -> Iterator[Any]:
    """Create the deployment; delete it however the run went, also when the time is up."""
    scheduler = _scheduler(request, work, progress)
    options = {**request.options, **request.deploy_args}
    if request.tags:
        options["tags"] = [*request.tags, *options.get("tags", ())]
    flow = scheduler.create(**options)
    try:
        yield flow
    finally:
        flow.delete()


def _scheduler(request: FlowRequest, work: Workspace, progress: Progress) -> Any:  # noqa: ANN401
    from metaflow.runner.deployer import Deployer

    from pytest_metaflow_backends.flow.filelogged import log_into_files
    from pytest_metaflow_backends.flow.flowfile import loaded
    from pytest_metaflow_backends.flow.launched import top_level

    log_into_files(work, progress)
    work.loading.touch()
    deployer = Deployer(
        str(request.path),
        show_output=False,
        cwd=str(request.cwd),
        file_read_timeout=int(request.timeout) + 1,
        **top_level(request),
    )
    name = str(request.scheduler_type).replace("-", "_")
    implementation = getattr(deployer, name)()
    work.loading.unlink()
    progress.module, progress.flow = loaded(request.path)
    return implementation


def _wait(triggered: Any) -> int:  # noqa: ANN401
    """Wait for a terminal state: what the scheduler says, or the run once it is forgotten there."""
    known, silent = False, 0  # to the scheduler; how often in a row it has said nothing since
    while (code := _verdict(triggered, forgotten=silent >= FORGOTTEN)) is None:
        status = triggered.status
        known = known or bool(status)
        silent = silent + 1 if known and not status else 0
        time.sleep(POLL)
    return code


def _verdict(triggered: Any, *, forgotten: bool) -> int | None:  # noqa: ANN401
    """Give the exit code, or None while it goes on.

    A workflow may live shorter than its run; and a run that failed on a scheduler never counts as
    finished in Metaflow's metadata, since nobody runs its last step.
    """
    status = str(triggered.status or "").lower()
    if status in WENT_WELL:
        return 0
    if status in WENT_BADLY:
        return 1
    if status:
        return None
    run = triggered.run
    if run is not None and run.finished:
        return 0 if run.successful else 1
    return 1 if forgotten else None
