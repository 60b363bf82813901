"""What a test asks of an outcome; whoever asks in vain is told what there is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_metaflow_backends.flow.outcome import Artifact, FlowOutcome, TaskOutcome


@pytest.fixture
def outcome():
    tasks = tuple(
        TaskOutcome(f"F/1/{step}/{number}", step, "", 1, "succeeded")
        for number, step in enumerate(["start", "sort", "sort"], 1)
    )
    return FlowOutcome(flow="F", run_id="1", status="failed", exit_code=1, seconds=1.0, tasks=tasks)


def test_the_tasks_of_a_step_that_never_ran_are_asked_for_in_vain(outcome):
    with pytest.raises(LookupError, match="F/1: step 'end' never ran; what ran is: start, sort"):
        outcome.step("end")


def test_whether_a_step_ran_can_be_asked(outcome):
    assert outcome.ran("sort")
    assert not outcome.ran("end")
    assert [task.pathspec for task in outcome.step("sort")] == ["F/1/sort/2", "F/1/sort/3"]


def test_the_only_task_of_a_step_with_two_is_asked_for_in_vain(outcome):
    with pytest.raises(LookupError, match=r"F/1/sort: 2 tasks, .* outcome.step.'sort'. gives"):
        outcome.task("sort")


def test_an_artifact_that_is_not_there_is_named_with_the_nearest(outcome):
    task = outcome.tasks[0]
    artifacts = {"greetings": Artifact("list", 1, "d", ["a"])}
    told = replace(outcome, tasks=(replace(task, artifacts=artifacts),))

    assert told.value("start", "greetings") == ["a"]
    with pytest.raises(
        LookupError, match="F/1/start/1 has no artifact 'greeting'; did you mean 'greetings'"
    ):
        told.value("start", "greeting")


def test_an_outcome_is_one_short_line(outcome):
    assert repr(outcome) == "<F/1 failed with 3 tasks in 1 s>"
    assert replace(outcome, run_id=None).pathspec == "F"


@pytest.mark.parametrize(
    ("run", "statuses", "number"),
    [
        ("failed", ["succeeded", "failed", "running"], 2),
        ("failed", ["succeeded", "running", "failed"], 3),
        ("failed", ["succeeded", "running", "running"], 2),
        ("failed", ["succeeded", "succeeded", "succeeded"], None),
        ("succeeded", ["succeeded", "running", "succeeded"], None),
    ],
)
def test_the_failed_task_is_the_one_that_failed_else_the_one_that_never_ended(
    outcome, run, statuses, number
):
    """Argo ends a pod that is over its time, and leaves its task as it was."""
    tasks = [replace(task, status=s) for task, s in zip(outcome.tasks, statuses, strict=True)]

    found = replace(outcome, status=run, tasks=tuple(tasks)).failed_task

    assert (found and int(found.pathspec.rpartition("/")[2])) == number
