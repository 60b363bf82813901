"""What a test asks of an outcome; whoever asks in vain is told what there is."""

from __future__ import annotations

import pytest
from pytest_metaflow_backends.flow.outcome import FlowOutcome, TaskOutcome


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
    with pytest.raises(LookupError, match="F/1/sort: 2 tasks, expected exactly one"):
        outcome.task("sort")
