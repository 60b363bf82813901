"""`mf-backends publish` when a run has ended: its records are what anybody may have made."""

from __future__ import annotations

import pytest
from pytest_metaflow_backends.cli import ended_run
from pytest_metaflow_backends.report import filler
from scripted_commit import ENDED, HEAD, MATRIX, OURS, conclusions, records
from strict_github.archives import zipped


@pytest.fixture
def ended(job):
    """A run of a fork's pull request that has ended, with the records of both backends."""
    job.server.contents[HEAD, "matrix.yaml"] = MATRIX.encode()
    job.server.pulls = [
        {"number": 4, "head": {"label": "someone:fix", "sha": "d" * 40}, "labels": []},
        {"number": 5, "head": {"label": "someone:fix", "sha": HEAD}, "labels": []},
    ]
    job.server.files = [{"filename": "unknown.cfg"}]
    job.server.artifacts = {
        1: ("records-fake-1", zipped(("a.jsonl", records("fake", "passed")))),
        2: ("records-other-1", zipped(("a.jsonl", records("other", "passed")))),
    }
    return job


def test_the_check_runs_of_a_fork_are_made_when_its_run_has_ended(ended):
    ended("workflow_run", ENDED)

    assert conclusions(ended.server) == {
        "metaflow-backends / fake": "success",
        "metaflow-backends / other": "success",
        "metaflow-backends": "success",
    }


@pytest.mark.parametrize("action", ["requested", "in_progress"])
def test_a_run_that_has_begun_is_no_longer_what_an_older_one_found(ended, action):
    """Else a label that asks for more could be merged on the old verdict while it runs."""
    ended.server.attempts[7, 1] = {"status": "in_progress", "conclusion": None}
    ended("workflow_run", {**ENDED, "action": action})

    (check,) = ended.server.runs.values()
    assert (check["name"], check["status"]) == ("metaflow-backends", "in_progress")
    assert "conclusion" not in check

    ended("workflow_run", {**ENDED, "action": "completed"})

    assert conclusions(ended.server)["metaflow-backends"] == "success"
    assert len(ended.server.runs) == 3


def test_news_of_a_beginning_that_come_late_change_nothing(ended):
    ended.server.attempts[7, 1] = {"status": "completed", "conclusion": "success"}
    ended("workflow_run", ENDED)
    state = ended.server.state()

    ended("workflow_run", {**ENDED, "action": "in_progress"})

    assert ended.server.state() == state


def test_news_of_a_beginning_that_take_the_place_of_the_end_bring_the_verdict(ended):
    """Of events that wait for each other GitHub keeps the newest, whatever it says."""
    ended.server.attempts[7, 1] = {"status": "completed", "conclusion": "success"}

    ended("workflow_run", {**ENDED, "action": "in_progress"})

    assert conclusions(ended.server)["metaflow-backends"] == "success"
    assert len(ended.server.runs) == 3


def test_a_pull_request_that_was_merged_meanwhile_needs_what_it_needed(ended):
    ended.server.pulls = [{**ended.server.pulls[1], "state": "closed"}]
    ended.server.files = [{"filename": "src/a.py"}]
    del ended.server.artifacts[2]

    ended("workflow_run", ENDED)

    assert set(conclusions(ended.server)) == {"metaflow-backends / fake", "metaflow-backends"}


def test_an_event_that_is_delivered_twice_changes_nothing(ended):
    ended("workflow_run", ENDED)
    state = ended.server.state()

    ended("workflow_run", ENDED)

    assert ended.server.state() == state


def test_a_fork_that_keeps_back_a_backend_is_red(ended):
    """What must be there is decided by the change and the matrix, not by what was uploaded."""
    del ended.server.artifacts[2]

    ended("workflow_run", ENDED, ret=1)

    found = conclusions(ended.server)
    assert found["metaflow-backends / other"] == found["metaflow-backends"] == "failure"


def test_what_the_change_does_not_need_is_not_expected(ended):
    del ended.server.artifacts[2]
    ended.server.files = [{"filename": "src/a.py"}]

    ended("workflow_run", ENDED)

    assert "metaflow-backends / other" not in conclusions(ended.server)


def test_a_file_that_moved_out_of_where_all_is_needed_still_needs_all(ended):
    del ended.server.artifacts[2]
    ended.server.files = [{"filename": "src/a.py", "previous_filename": "unknown.cfg"}]

    ended("workflow_run", ENDED, ret=1)

    assert conclusions(ended.server)["metaflow-backends / other"] == "failure"


def test_a_job_that_broke_before_it_could_record_anything_is_red(ended):
    """Units have no column to be missed in."""
    ended.server.jobs = [
        {"name": "select", "conclusion": "success"},
        {"name": "units", "conclusion": "failure"},
    ]
    run = {**ENDED["workflow_run"], "conclusion": "failure"}

    ended("workflow_run", {"workflow_run": run}, ret=1)

    summary = [run for run in ended.server.runs.values() if run["name"] == "metaflow-backends"][-1]
    assert summary["output"]["title"] == "job units ended: failure, and no result says why"


def test_a_backend_whose_job_broke_is_not_green_by_what_an_older_attempt_found(ended):
    """The first attempt's records are there, the second broke before it had any."""
    ended.server.attempt = 2
    ended.server.jobs = [{"name": "backends (other, other) / other", "conclusion": "failure"}]
    run = {**ENDED["workflow_run"], "conclusion": "failure", "run_attempt": 2}

    ended("workflow_run", {"workflow_run": run}, ret=1)

    found = {run["name"]: run["output"]["title"] for run in ended.server.runs.values()}
    assert conclusions(ended.server)["metaflow-backends / other"] == "failure"
    assert conclusions(ended.server)["metaflow-backends / fake"] == "success"
    assert found["metaflow-backends / other"].endswith("ended: failure, and no result says why")


def test_a_run_of_another_workflow_with_the_same_name_is_not_published(ended):
    run = {**ENDED["workflow_run"], "path": ".github/workflows/evil.yml"}

    result = ended(
        "workflow_run", {"workflow_run": run}, "--workflow", ".github/workflows/ci.yml", ret=4
    )

    assert ended.server.runs == {}
    result.stderr.fnmatch_lines(["error: the run is one of .github/workflows/evil.yml, *"])


@pytest.mark.parametrize("conclusion", ["cancelled", "timed_out", "", "new_word"])
def test_a_run_that_did_not_end_well_is_not_green(ended, conclusion):
    run = {**ENDED["workflow_run"], "conclusion": conclusion}

    ended("workflow_run", {"workflow_run": run}, ret=1)

    assert conclusions(ended.server)["metaflow-backends"] == "failure"


def test_a_label_adds_a_backend_that_must_then_be_there(ended):
    ended.server.files = [{"filename": "src/a.py"}]
    ended.server.pulls[1]["labels"] = [{"name": "backend:elsewhere"}]

    ended("workflow_run", ENDED, ret=1)

    assert conclusions(ended.server)["metaflow-backends / elsewhere"] == "failure"


def test_a_commit_of_two_pull_requests_needs_what_either_needs(ended):
    """GitHub does not say of a fork's run which of them it was for."""
    del ended.server.artifacts[2]
    both = [{**ended.server.pulls[1], "number": number} for number in (5, 6)]
    both[0]["labels"] = [{"name": "backend:other"}]
    ended.server.pulls = both
    ended.server.files = [{"filename": "src/a.py"}]

    ended("workflow_run", ENDED, ret=1)

    assert conclusions(ended.server)["metaflow-backends / other"] == "failure"


def test_what_a_test_prints_is_no_command_to_the_runner(ended):
    name = records("fake", "failed").replace(b"test_0", b"test_x ::add-mask::e")
    ended.server.artifacts[1] = ("records-fake-1", zipped(("a.jsonl", name)))

    result = ended("workflow_run", ENDED, ret=1)

    first, *_, last = result.out.strip().splitlines()
    assert first.startswith("::stop-commands::")
    assert last == f"::{first.removeprefix('::stop-commands::')}::"


@pytest.mark.parametrize("trigger", ["push", "merge_group"])
def test_what_lands_needs_everything(ended, trigger):
    ended.server.files = [{"filename": "docs/a.md"}]
    del ended.server.artifacts[2]

    run = {**ENDED["workflow_run"], "event": trigger, "head_repository": OURS}
    ended("workflow_run", {"workflow_run": run}, ret=1)

    assert conclusions(ended.server)["metaflow-backends / other"] == "failure"


def test_a_change_too_large_to_be_listed_needs_everything(ended):
    ended.server.files = [{"filename": f"docs/{n}.md"} for n in range(3_000)]
    del ended.server.artifacts[2]

    ended("workflow_run", ENDED, ret=1)

    assert conclusions(ended.server)["metaflow-backends / other"] == "failure"


def test_hostile_artifacts_are_said_in_the_summary_and_are_red(ended):
    ended.server.artifacts[3] = ("records-x", zipped(("../../a.jsonl", b"x")))
    old = records("fake", "passed", run="41", attempt="9")
    ended.server.artifacts[4] = ("records-y", zipped(("a.jsonl", old)))

    ended("workflow_run", ENDED, ret=1)

    summary = [run for run in ended.server.runs.values() if run["name"] == "metaflow-backends"][-1]
    assert summary["conclusion"] == "failure"
    assert "records damaged: artifact records-x: refused" in summary["output"]["title"]
    assert "it is of run 41, and this is 7" in summary["output"]["text"]


def test_a_second_attempt_stands_and_the_first_stays_as_an_attempt(ended):
    """`Re-run failed jobs`: the first attempt's artifacts are still there."""
    first = records("other", "failed", attempt="1")
    second = records("other", "passed", attempt="2")
    ended.server.artifacts[2] = ("records-other-1", zipped(("a.jsonl", first)))
    ended.server.artifacts[3] = ("records-other-2", zipped(("a.jsonl", second)))
    run = {**ENDED["workflow_run"], "run_attempt": 2}

    ended("workflow_run", {"workflow_run": run})

    found = {run["name"]: run for run in ended.server.runs.values()}
    assert found["metaflow-backends / other"]["conclusion"] == "success"
    assert "1 flaky" in found["metaflow-backends / other"]["output"]["title"]


def test_a_matrix_with_a_mistake_ends_with_its_line(ended):
    ended.server.contents[HEAD, "matrix.yaml"] = b"version: 1\nbackends: {a: {knid: fake}}\n"

    result = ended("workflow_run", ENDED, ret=4)

    result.stderr.fnmatch_lines(["*matrix.yaml:2:*knid*"])
    (check,) = ended.server.runs.values()
    assert check["conclusion"] == "failure"
    assert check["output"]["title"].startswith("no verdict: ")


def test_a_matrix_that_github_does_not_send_whole_is_refused(ended):
    ended.server.contents[HEAD, "matrix.yaml"] = MATRIX.encode() + b"# \n" * 400_000

    ended("workflow_run", ENDED, ret=1)

    (check,) = ended.server.runs.values()
    assert "matrix.yaml of" in check["output"]["title"]
    assert "no file of at most 1 MB" in check["output"]["title"]


def test_a_label_with_a_typing_error_is_a_failure_on_the_commit(ended):
    ended.server.pulls[1]["labels"] = [{"name": "backend:othre"}]

    ended("workflow_run", ENDED, ret=4)

    (check,) = ended.server.runs.values()
    assert check["conclusion"] == "failure"
    assert "did you mean 'other'" in check["output"]["summary"]


def test_a_matrix_of_backends_that_are_not_installed_here_is_read(ended):
    text = MATRIX.replace("other: {kind: fake", "other: {kind: slurm, options: {a: 1}")
    ended.server.contents[HEAD, "matrix.yaml"] = text.encode()

    ended("workflow_run", ENDED)

    assert set(conclusions(ended.server).values()) == {"success"}


@pytest.mark.parametrize("option", ["--expect=elsewhere", "--context=dev"])
def test_what_would_not_be_heeded_of_an_ended_run_is_refused(ended, option):
    result = ended("workflow_run", ENDED, option, ret=4)

    result.stderr.fnmatch_lines([f"error: {option.partition('=')[0]}: what a run that has ended *"])


def test_a_job_that_was_allowed_to_fail_makes_nothing_red(ended):
    """With `continue-on-error` the job is a failure, and the run is none."""
    ended.server.jobs = [{"name": "backends (other)", "conclusion": "failure"}]

    ended("workflow_run", ENDED)

    assert set(conclusions(ended.server).values()) == {"success"}


def test_a_list_of_allowed_differences_that_is_no_text_is_a_failure_with_its_reason(ended):
    name = "harness/conformance/allowed_differences.yaml"
    ended.server.contents[HEAD, name] = b"version: 1\nallowed: [\xff]\n"

    ended("workflow_run", ENDED, ret=4)

    (check,) = ended.server.runs.values()
    assert check["conclusion"] == "failure"
    assert "is not YAML" in check["output"]["title"]


def test_a_mistake_of_ours_is_a_failure_on_the_commit_too(ended, monkeypatch):
    """The green check of an older run of the commit must not stay."""

    def broken(*_, **__):
        raise RuntimeError("never thought of that")

    monkeypatch.setattr(ended_run, "build_and_write", broken)

    ended("workflow_run", ENDED, ret=3)

    assert conclusions(ended.server) == {"metaflow-backends": "failure"}


def test_invented_columns_fill_no_memory_and_keep_no_verdict_back(ended, monkeypatch):
    monkeypatch.setattr(filler, "CELLS", 1)

    ended("workflow_run", ENDED, ret=1)

    assert conclusions(ended.server)["metaflow-backends"] == "failure"


def test_without_a_token_an_ended_run_cannot_be_read(ended):
    result = ended("workflow_run", ENDED, token="", ret=4)

    result.stderr.fnmatch_lines(["error: GITHUB_TOKEN is not set, and the records of a run *"])
