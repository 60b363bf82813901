"""Describe what a flow left, whether it ended well, badly, or was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow.outcome import FlowOutcome, TaskOutcome
from pytest_metaflow_backends.flow.tails import tail_of_file

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_metaflow_backends.flow.ending import Ending
    from pytest_metaflow_backends.flow.request import FlowRequest
    from pytest_metaflow_backends.flow.workspace import Workspace


@dataclass(frozen=True)
class Left:
    """What a run left in the metadata and in the datastore."""

    tasks: tuple[TaskOutcome, ...] = ()
    tags: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()


def describe(request: FlowRequest, work: Workspace, ending: Ending, seconds: float) -> FlowOutcome:
    """Give the outcome; a launch that failed before there was a run leaves `run_id` None."""
    flow, run_id = _names(request, work, ending)
    left = _left(request, ending, flow, run_id) if run_id else Left()
    lines = request.tail_lines
    return FlowOutcome(
        flow=flow,
        run_id=run_id,
        status="succeeded" if ending.successful and run_id else "failed",
        exit_code=ending.exit_code,
        seconds=round(seconds, 3),
        tasks=left.tasks,
        tags=left.tags,
        system_tags=left.system_tags,
        stdout=work.tail("stdout", lines),
        stderr=_stderr(work, ending, lines),
    )


def _names(request: FlowRequest, work: Workspace, ending: Ending) -> tuple[str, str | None]:
    if ending.progress.pathspec:
        flow, run_id, *_ = ending.progress.pathspec.split("/")
        return flow, run_id
    return ending.progress.flow or request.path.stem, work.known_run_id()


def _stderr(work: Workspace, ending: Ending, lines: int) -> str:
    """Put what went wrong around the launch after what was printed.

    Without a launch the flow's own code could only print while it was imported.
    """
    launched = work.launched("stderr")
    printed = work.tail("stderr", lines) if launched else tail_of_file(work.log, lines)
    return "\n".join(part for part in (printed, ending.error) if part)


def _left(request: FlowRequest, ending: Ending, flow: str, run_id: str) -> Left:
    from pytest_metaflow_backends.flow.runstore import RunStore
    from pytest_metaflow_backends.flow.taskview import task_outcome

    store = RunStore.open(flow, run_id, request, ending.progress)
    module: Any = ending.progress.module
    tasks = [task_outcome(task, module, request.tail_lines) for task in store.tasks()]
    tags, system_tags = store.tags()
    return Left(in_order(tasks), tags, system_tags)


def in_order(tasks: Iterable[tuple[float, TaskOutcome]]) -> tuple[TaskOutcome, ...]:
    """Order steps by when their first task began, siblings by foreach index, then by time."""
    begun = list(tasks)
    first: dict[str, float] = {}
    for began, task in begun:
        first[task.step] = min(began, first.get(task.step, began))

    def place(pair: tuple[float, TaskOutcome]) -> tuple[float, str, list[int], float]:
        began, task = pair
        return first[task.step], task.step, _indices(task.index), began

    return tuple(task for _, task in sorted(begun, key=place))


def _indices(index: str) -> list[int]:
    return [int(part) for part in index.split("/") if part]
