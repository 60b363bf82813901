"""An outcome in the form that must be equal on every backend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_metaflow_backends.flow.outcome import FlowOutcome, Output, TaskOutcome


def snapshot(outcome: FlowOutcome) -> dict[str, Any]:
    """Give plain data without ids, times, paths and native identity.

    Siblings of a step stand in foreach order. Of the output of the launcher nothing is taken: what
    it prints belongs to the backend.
    """
    return {
        "flow": outcome.flow,
        "status": outcome.status,
        "exit": _exit_class(outcome),
        "tags": sorted(outcome.tags),
        "system_tags": _by_name(outcome.system_tags),
        "steps": _steps(outcome.tasks),
    }


def _exit_class(outcome: FlowOutcome) -> str:
    """Tell apart what every backend can tell: the number itself belongs to the launcher."""
    if outcome.run_id is None:
        return "before a run"
    return "zero" if outcome.exit_code == 0 else "not zero"


def _by_name(tags: Iterable[str]) -> dict[str, list[str]]:
    """Split `name:value` tags, so that values may differ where names may not."""
    found: dict[str, list[str]] = {}
    for tag in sorted(tags):
        name, _, value = tag.partition(":")
        found.setdefault(name, []).append(value)
    return found


def _steps(tasks: Iterable[TaskOutcome]) -> dict[str, list[dict[str, Any]]]:
    steps: dict[str, list[dict[str, Any]]] = {}
    for task in tasks:
        steps.setdefault(task.step, []).append(_task(task))
    return dict(sorted(steps.items()))


def _task(task: TaskOutcome) -> dict[str, Any]:
    return {
        "index": task.index,
        "status": task.status,
        "attempts": task.attempts,
        "tags": sorted(task.tags),
        "system_tags": _by_name(task.system_tags),
        "artifacts": _artifacts(task),
        "stdout": _output(task.stdout_all),
        "stderr": _output(task.stderr_all),
    }


def _artifacts(task: TaskOutcome) -> Mapping[str, Mapping[str, str]]:
    return {
        name: {"type": artifact.type, "digest": artifact.digest}
        for name, artifact in sorted(task.artifacts.items())
    }


def _output(output: Output) -> dict[str, Any]:
    return {"lines": output.lines, "digest": output.digest}
