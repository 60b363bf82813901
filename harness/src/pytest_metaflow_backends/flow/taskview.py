"""One task as an outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow.outcome import TaskOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from pytest_metaflow_backends.flow.runstore import StoredTask


def task_outcome(
    task: StoredTask, module: ModuleType | None, tail_lines: int
) -> tuple[float, TaskOutcome]:
    """Describe the latest attempt, with the time it began."""
    from pytest_metaflow_backends.flow.artifacts import described
    from pytest_metaflow_backends.flow.runstore import tags_of
    from pytest_metaflow_backends.flow.tasklogs import logged

    metadata = task.metadata()
    began, seconds = _times(task)
    out, err = (logged(task.datastore, stream, tail_lines) for stream in ("stdout", "stderr"))
    tags, system_tags = tags_of(task.seen)
    outcome = TaskOutcome(
        pathspec=task.pathspec,
        step=task.step,
        index=_index(task, metadata),
        attempts=task.datastore.attempt + 1,
        status=_status(task, metadata),
        seconds=seconds,
        stdout=out.tail,
        stderr=err.tail,
        artifacts=described(task.datastore, module),
        metadata=metadata,
        stdout_all=out.all,
        stderr_all=err.all,
        tags=tags,
        system_tags=system_tags,
    )
    return began, outcome


def objects(task: StoredTask) -> Mapping[str, str]:
    """Give name -> key of all stored artifacts; none if the attempt did not end by itself."""
    try:
        found: Mapping[str, str] = task.datastore.ds_metadata["objects"]
    except AttributeError:  # Metaflow sets nothing for an attempt that is not done (2.19.39)
        return {}
    return found


def _status(task: StoredTask, metadata: Mapping[str, str]) -> str:
    """Judge by what is stored; a process that was killed left only its exit code, or nothing."""
    if "_task_ok" in objects(task):
        return "succeeded" if task.datastore["_task_ok"] else "failed"
    ended = task.datastore.load_metadata(["runtime"])["runtime"]
    if ended is not None or metadata.get("attempt_ok") == "False":
        return "failed"
    return "running"


def _times(task: StoredTask) -> tuple[float, float]:
    """Give when the latest attempt began (seconds since the epoch) and how long it took."""
    began = task.datastore.load_metadata(["attempt.json"])["attempt.json"]["time"]
    if task.seen is None:
        return began, 0.0
    judged = [m.created_at for m in task.seen.metadata if m.name == "attempt_ok"]
    ended = max(judged, default=began * 1000) / 1000
    return began, round(max(0.0, ended - began), 3)


def _index(task: StoredTask, metadata: Mapping[str, str]) -> str:
    """Give the foreach indices from the outermost to the innermost."""
    path = metadata.get("foreach-execution-path")
    if path:
        return "/".join(part.rpartition(":")[2] for part in path.split(","))
    if "_foreach_stack" in objects(task):
        stack: Any = task.datastore["_foreach_stack"] or ()
        return "/".join(str(frame.index) for frame in stack)
    return ""
