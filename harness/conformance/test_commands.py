"""More than run: tags, resume, spin, and Metaflow's own Python API."""

from __future__ import annotations

from pathlib import Path

import pytest

needs = pytest.mark.needs
HERE = Path(__file__).parent


TAGS = {"two": ["größe", "second"], "one_with_a_space": ["second tag"]}


@needs("tags")
@pytest.mark.parametrize("tags", TAGS.values(), ids=TAGS)
def test_tags_of_the_run_are_seen_in_it_and_afterwards(mf_flow, tags):
    run = mf_flow("flows/tags.py", tags=tags)

    assert set(tags) <= set(run.tags)
    assert set(tags) <= set(run.value("start", "seen"))
    assert any(tag.startswith("metaflow_version:") for tag in run.system_tags)


@needs("resume", "foreach")
def test_resume_runs_only_what_had_not_succeeded(mf_flow):
    first = mf_flow("flows/resume.py", expect="failure", name="first")
    second = mf_flow(
        "flows/resume.py", command="resume", name="second", options={"origin_run_id": first.run_id}
    )

    assert first.failed_task.step == "end"
    assert second.run_id != first.run_id
    assert second.value("end", "total") == 12
    assert second.value("end", "run_by") == "resumed run"
    assert second.value("start", "run_by") == "first run"
    assert second.value("join", "done_by") == ["first run"] * 3


@needs("spin")
def test_spin_runs_one_step_of_a_past_run_again(mf_flow):
    run = mf_flow("flows/linear.py", name="run")
    spun = mf_flow(
        "flows/linear.py",
        command="spin",
        name="spin",
        options={"pathspec": run.task("middle").pathspec.partition("/")[2], "persist": True},
    )

    assert [task.step for task in spun.tasks] == ["middle"]
    spun_artifacts, past = spun.task("middle").artifacts, run.task("middle").artifacts
    assert spun_artifacts["history"].value == past["history"].value


@needs("runner")
def test_runner_gives_the_run_in_this_process(mf_runner):
    with mf_runner("flows/linear.py") as runner:
        result = runner.run()

    assert result.status == "successful"
    assert result.run["end"].task["number"].data == 21


@needs("runner")
def test_runner_does_not_raise_when_the_flow_fails(mf_runner):
    with mf_runner("flows/failing_step.py") as runner:
        result = runner.run()

    assert result.status == "failed"
    assert result.run.successful is False


@needs("deployer")
def test_a_deployed_flow_runs_when_it_is_triggered(mf_flow):
    run = mf_flow("flows/linear.py")

    assert run.value("end", "number") == 21
