"""`mf-backends publish` as a job of the run itself, against the strict server on a real socket."""

from __future__ import annotations

import json

import pytest
from scripted_commit import ENDED, HEAD, MATRIX, PULL, THEIRS, conclusions, records
from strict_github import faults


def save(project, **files):
    folder = project.path / "records"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.jsonl").write_bytes(content)


def test_on_a_desk_the_texts_are_files(project):

    project.matrix(MATRIX)
    save(project, a=records("fake", "passed", "failed"))

    result = project.cli("publish", "records")

    assert result.ret == 1
    result.stderr.fnmatch_lines(["no check runs: this is no job of GitHub Actions"])
    folder = project.path / "report" / "checks"
    assert {path.name for path in folder.iterdir()} == {
        "metaflow-backends.md",
        "metaflow-backends-fake.md",
        "requests.json",
    }
    said = (folder / "metaflow-backends.md").read_text()
    assert "1 red result" in said
    assert said.splitlines()[2] == "fake: 1 failed, 1 passed"  # the reason, as its title
    assert len(json.loads((folder / "requests.json").read_text())) == 2


def test_a_job_of_a_pull_request_makes_check_runs_on_its_head(job, project):
    save(
        project,
        a=records("fake", "passed"),
        b=records("other", "passed", "failed"),
    )

    job("pull_request", PULL, "records", ret=1)

    assert conclusions(job.server) == {
        "metaflow-backends / fake": "success",
        "metaflow-backends / other": "failure",
        "metaflow-backends": "failure",
    }
    assert {run["head_sha"] for run in job.server.runs.values()} == {HEAD}
    assert "1 red result" in (project.path / "summary.md").read_text()


def test_the_link_of_a_check_run_is_the_page_of_its_job(job, project):
    page = "https://github.com/o/r/actions/runs/7/job/"
    job.server.jobs = [
        {"name": "select", "html_url": f"{page}1", "conclusion": "success"},
        {"name": "backends (fake) / test", "html_url": f"{page}2", "conclusion": "success"},
    ]
    save(project, a=records("fake", "passed"), b=records("other", "passed"))

    job("pull_request", PULL, "records")

    links = {run["name"]: run["details_url"] for run in job.server.runs.values()}
    assert links["metaflow-backends / fake"] == f"{page}2"
    assert links["metaflow-backends / other"] == "https://github.com/o/r/actions/runs/7"


def test_a_backend_that_nobody_reported_is_red(job, project):
    save(project, a=records("fake", "passed"))

    job("pull_request", PULL, "records", "--expect", "fake,elsewhere", ret=1)

    assert conclusions(job.server)["metaflow-backends / elsewhere"] == "failure"
    assert conclusions(job.server)["metaflow-backends"] == "failure"


def test_a_selection_of_nothing_expects_nothing(job, project):
    save(project, a=records("fake", "passed"))
    (project.path / "selection.json").write_text('{"columns": []}')

    job("pull_request", PULL, "records", "--selection", "selection.json")

    assert conclusions(job.server)["metaflow-backends"] == "success"


@pytest.mark.parametrize("content", ["", "[]", '{"columns": "fake"}', '{"columns": [1]}'])
def test_a_selection_that_is_none_is_a_mistake(job, project, content):
    save(project, a=records("fake", "passed"))
    (project.path / "selection.json").write_text(content)

    job("pull_request", PULL, "records", "--selection", "selection.json", ret=4)

    assert conclusions(job.server) == {"metaflow-backends": "failure"}


def test_a_job_of_a_fork_writes_texts_only_and_says_what_does_more(job, project):
    save(project, a=records("fake", "passed"), b=records("other", "passed"))
    fork = {**PULL["pull_request"], "head": {"sha": HEAD, "repo": THEIRS}}

    result = job("pull_request", {**PULL, "pull_request": fork}, "records")

    assert job.server.writes == 0
    assert "2 passed" in (project.path / "summary.md").read_text()
    result.stderr.fnmatch_lines(["no check runs: a job of a fork may not write; *"])


@pytest.mark.parametrize("name", ["units", "backends (other)"])
def test_a_job_that_broke_makes_the_summary_red_as_well(job, project, name):
    """Its records may be green: it broke before it had any, or after."""
    save(project, a=records("fake", "passed"), b=records("other", "passed"))
    job.server.jobs = [
        {"name": "verdict", "conclusion": None},
        {"name": name, "conclusion": "failure"},
    ]

    job("pull_request", PULL, "records", ret=1)

    summary = next(r for r in job.server.runs.values() if r["name"] == "metaflow-backends")
    assert summary["output"]["title"] == f"job {name} ended: failure, and no result says why"


@pytest.mark.parametrize(("conclusion", "ret"), [("success", 0), ("cancelled", 1)])
def test_a_folder_of_records_of_a_run_that_did_not_end_well_is_not_green(
    job, project, conclusion, ret
):
    save(project, a=records("fake", "passed"), b=records("other", "passed"))
    run = {**ENDED["workflow_run"], "conclusion": conclusion}

    job("workflow_run", {"workflow_run": run}, "records", ret=ret)

    found = conclusions(job.server)["metaflow-backends"]
    assert found == ("failure" if ret else "success")


def test_without_a_token_the_verdict_is_the_exit_code_all_the_same(job, project):
    save(project, a=records("fake", "failed"), b=records("other", "passed"))

    result = job("pull_request", PULL, "records", token="", ret=1)

    result.stderr.fnmatch_lines(["no check runs: GITHUB_TOKEN is not set"])


def test_a_lack_of_rights_is_red_and_says_which(job, project):
    save(project, a=records("fake", "passed"), b=records("other", "passed"))
    job.server.faults.extend([faults.fine, faults.fine, faults.no_rights])

    result = job("pull_request", PULL, "records", ret=1)

    result.stderr.fnmatch_lines(["error: POST /check-runs: 403 *`permissions: checks: write`*"])
