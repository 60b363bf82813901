"""Every field of a run that an issue names is compared: alter one, and the columns differ."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from pytest_metaflow_backends.flow.allowed import Allowed
from pytest_metaflow_backends.flow.compare import compare
from pytest_metaflow_backends.flow.outcome import Artifact, FlowOutcome, Output, TaskOutcome
from pytest_metaflow_backends.flow.snapshot import snapshot
from pytest_metaflow_backends.records import Snapshot

TASK = TaskOutcome(
    pathspec="AFlow/1/start/1",
    step="start",
    index="0",
    attempts=1,
    status="succeeded",
    artifacts={"x": Artifact(type="int", size=5, digest="one", value=1)},
    stdout_all=Output(lines=1, digest="said"),
    stderr_all=Output(lines=1, digest="wrote"),
    tags=("mine",),
    system_tags=("language:R",),
)
OUTCOME = FlowOutcome(
    flow="AFlow",
    run_id="1",
    status="succeeded",
    exit_code=0,
    seconds=1.0,
    tasks=(TASK, replace(TASK, index="1")),
    tags=("mine",),
    system_tags=("user:me",),
)
OF_THE_RUN = {
    "flow": "BFlow",
    "run_id": None,
    "status": "failed",
    "exit_code": 1,
    "tags": ("mine", "other"),
    "system_tags": ("user:you",),
    "tasks": (TASK,),
}
OF_A_TASK = {
    "step": "begin",
    "index": "7",
    "attempts": 2,
    "status": "failed",
    "tags": ("other",),
    "system_tags": ("language:S",),
    "artifacts": {},
    "stdout_all": Output(lines=1, digest="said otherwise"),
    "stderr_all": Output(lines=2, digest="wrote"),
}
OF_AN_ARTIFACT = {"type": "float", "digest": "two"}
# Ids, times, native identity, and what is told in full elsewhere: equal nowhere or covered above.
NOT_COMPARED = {
    FlowOutcome: {"seconds", "stdout", "stderr"},
    TaskOutcome: {"pathspec", "seconds", "stdout", "stderr", "native", "metadata"},
    Artifact: {"size", "value"},
}
ALTERED = {
    **{f"run {name}": replace(OUTCOME, **{name: value}) for name, value in OF_THE_RUN.items()},
    **{
        f"task {name}": replace(OUTCOME, tasks=(TASK, replace(OUTCOME.tasks[1], **{name: value})))
        for name, value in OF_A_TASK.items()
    },
    **{
        f"artifact {name}": replace(
            OUTCOME,
            tasks=(
                TASK,
                replace(
                    OUTCOME.tasks[1],
                    artifacts={"x": replace(TASK.artifacts["x"], **{name: value})},
                ),
            ),
        )
        for name, value in OF_AN_ARTIFACT.items()
    },
}


def taken(outcome, backend):
    return Snapshot("t.py::test_a", backend, None, "run", snapshot(outcome))


def test_equal_runs_do_not_differ():
    assert compare([taken(OUTCOME, "local"), taken(OUTCOME, "nomad")], Allowed()) == []


@pytest.mark.parametrize("altered", ALTERED.values(), ids=ALTERED)
def test_one_altered_field_is_a_difference(altered):
    found = compare([taken(OUTCOME, "local"), taken(altered, "nomad")], Allowed())

    assert found


@pytest.mark.parametrize(
    ("cls", "mutated"),
    [(FlowOutcome, OF_THE_RUN), (TaskOutcome, OF_A_TASK), (Artifact, OF_AN_ARTIFACT)],
    ids=lambda p: getattr(p, "__name__", ""),
)
def test_no_field_is_forgotten(cls, mutated):
    """A new field must be compared, or named here as one that is not."""
    expected = {field.name for field in fields(cls)}

    assert expected == set(mutated) | NOT_COMPARED[cls]
