"""How a flow fails: what is kept, what is said, and what no longer runs."""

from __future__ import annotations

import pytest

needs = pytest.mark.needs


@needs("linear")
@pytest.mark.smoke
def test_a_failing_step_ends_the_run_and_says_where(mf_flow):
    run = mf_flow("flows/failing_step.py", expect="failure")

    assert run.exit_code != 0
    assert run.failed_task.step == "broken"
    assert "about to fail" in run.failed_task.stdout
    assert "KeyError" in run.failed_task.stderr
    assert "weight" in run.failed_task.stderr
    assert run.value("start", "value") == 1
    assert not run.ran("end")


@needs("foreach")
def test_one_failing_item_fails_the_run_and_keeps_the_others(mf_flow):
    run = mf_flow("flows/failing_sibling.py", expect="failure", compare=False)

    assert run.failed_task.step == "divide"
    assert "ZeroDivisionError" in run.failed_task.stderr
    assert not run.ran("join")


@pytest.mark.parametrize(
    ("flow", "said"),
    [
        ("failing_init", "the constructor of the flow fails"),
        ("failing_import", "module_that_nobody_has"),
        ("failing_exit", "this flow does not want to run"),
        ("unconnected_graph", "island"),
    ],
)
def test_a_flow_that_cannot_start_leaves_no_run(mf_flow, flow, said):
    run = mf_flow(f"flows/{flow}.py", expect="failure")

    assert run.run_id is None
    assert run.tasks == ()
    assert said in run.stderr + run.stdout


@needs("linear")
def test_an_artifact_that_cannot_be_stored_fails_its_step(mf_flow):
    run = mf_flow("flows/unpicklable_artifact.py", expect="failure")

    assert run.failed_task.step == "start"
    assert "stubborn" in run.failed_task.stderr


ENDS = ["exit_3", "exit_text", "hard_exit_7", "kill_9", "segfault"]


@needs("exit_codes")
@pytest.mark.parametrize("way", ENDS)
def test_a_process_that_ends_badly_is_a_failed_attempt(mf_flow, way):
    run = mf_flow("flows/process_end.py", parameters={"way": way}, expect="failure")

    assert run.failed_task.step == "start"
    assert run.failed_task.attempts == 1
    assert "the last words" in run.failed_task.stdout
    assert not run.ran("end")


@needs("exit_codes", "retry")
@pytest.mark.parametrize("way", ["hard_exit_7", "kill_9"])
def test_an_attempt_whose_process_was_lost_is_retried(mf_flow, way):
    run = mf_flow(
        "flows/process_end.py",
        parameters={"way": way, "always": False},
        decospecs=["retry:times=1,minutes_between_retries=0"],
    )

    assert run.task("start").attempts == 2
    assert run.value("start", "attempt") == 1
    assert run.value("end", "reached") is True
