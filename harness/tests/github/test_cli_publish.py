"""`mf-backends publish` as a job runs it, against the strict server on a real socket."""

from __future__ import annotations

import json

import pytest
from pytest_metaflow_backends.github import client
from strict_github import faults
from strict_github.archives import zipped
from strict_github.server import StrictGitHub
from strict_github.serving import serving

HEAD = "a" * 40
MATRIX = """
version: 1
backends:
  fake: {kind: fake, required: true}
  other: {kind: fake, required: [ci], default: false}
  elsewhere: {kind: fake, default: false}
select:
  rules: [{paths: ["docs/**"], backends: []}, {paths: ["src/**"], backends: [fake]}]
"""
OURS, THEIRS = {"full_name": "o/r"}, {"full_name": "someone/r"}
PULL = {
    "number": 5,
    "pull_request": {
        "head": {"sha": HEAD, "repo": OURS},
        "base": {"sha": "b" * 40, "repo": OURS},
        "labels": [],
    },
}
ENDED = {
    "workflow_run": {
        "id": 7,
        "run_attempt": 1,
        "head_sha": HEAD,
        "html_url": "https://github.com/o/r/actions/runs/7",
        "repository": OURS,
        "head_repository": THEIRS,
        "head_branch": "fix",
        "event": "pull_request",
        "conclusion": "success",
        "pull_requests": [],
    }
}


@pytest.fixture
def job(project, command, monkeypatch):
    """A job of GitHub; `job(name, payload)` runs `mf-backends publish` in it, at any pace."""
    server = StrictGitHub()
    project.matrix(MATRIX)
    monkeypatch.setattr(client, "WRITE_INTERVAL", 0)

    def job(name, payload, *arguments, token=server.token, ret=0):
        event = project.path / "event.json"
        event.write_text(json.dumps(payload))
        for variable, value in {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_SHA": "c" * 40,
            "GITHUB_RUN_ID": "7",
            "GITHUB_API_URL": address,
            "GITHUB_STEP_SUMMARY": str(project.path / "summary.md"),
            "GITHUB_TOKEN": token,
        }.items():
            monkeypatch.setenv(variable, value)
        result = command("publish", *arguments)
        assert result.ret == ret, result.err
        assert server.refused == []
        return result

    job.server = server
    with serving(server) as address:
        yield job


def records(lines, column, *outcomes, run="7", attempt="1"):
    """The file of one session of one job."""
    ci = {"provider": "github", "job": column, "run": run, "attempt": attempt}
    tests = [f"t.py::test_{n}" for n in range(len(outcomes))]
    where = {"backend": column}
    results = [
        {
            "kind": "result",
            "id": f"{test}[{column}]",
            "key": test,
            "outcome": outcome,
            "file": "t.py",
            "line": 3,
            "attempts": [lines.attempt(outcome)] if outcome != "passed" else [],
            **where,
        }
        for test, outcome in zip(tests, outcomes, strict=True)
    ]
    plan = {"kind": "plan", "tests": [[r["id"], r["key"]] for r in results], **where}
    red = any(outcome != "passed" for outcome in outcomes)
    session = lines.session(f"s-{column}-{attempt}", [column], float(attempt), ci=ci)
    written = [session, plan, *results, lines.finish(int(red))]
    return "".join(json.dumps(line) + "\n" for line in written).encode()


def save(project, **files):
    folder = project.path / "records"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.jsonl").write_bytes(content)


def conclusions(server):
    return {run["name"]: run["conclusion"] for run in server.runs.values()}


def test_on_a_desk_the_texts_are_files(project, lines):

    project.matrix(MATRIX)
    save(project, a=records(lines, "fake", "passed", "failed"))

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


def test_a_job_of_a_pull_request_makes_check_runs_on_its_head(job, project, lines):
    save(
        project,
        a=records(lines, "fake", "passed"),
        b=records(lines, "other", "passed", "failed"),
    )

    job("pull_request", PULL, "records", ret=1)

    assert conclusions(job.server) == {
        "metaflow-backends / fake": "success",
        "metaflow-backends / other": "failure",
        "metaflow-backends": "failure",
    }
    assert {run["head_sha"] for run in job.server.runs.values()} == {HEAD}
    assert "1 red result" in (project.path / "summary.md").read_text()


def test_the_link_of_a_check_run_is_the_page_of_its_job(job, project, lines):
    page = "https://github.com/o/r/actions/runs/7/job/"
    job.server.jobs = [
        {"name": "select", "html_url": f"{page}1", "conclusion": "success"},
        {"name": "backends (fake) / test", "html_url": f"{page}2", "conclusion": "success"},
    ]
    save(project, a=records(lines, "fake", "passed"), b=records(lines, "other", "passed"))

    job("pull_request", PULL, "records")

    links = {run["name"]: run["details_url"] for run in job.server.runs.values()}
    assert links["metaflow-backends / fake"] == f"{page}2"
    assert links["metaflow-backends / other"] == "https://github.com/o/r/actions/runs/7"


def test_a_backend_that_nobody_reported_is_red(job, project, lines):
    save(project, a=records(lines, "fake", "passed"))

    job("pull_request", PULL, "records", "--expect", "fake,elsewhere", ret=1)

    assert conclusions(job.server)["metaflow-backends / elsewhere"] == "failure"
    assert conclusions(job.server)["metaflow-backends"] == "failure"


def test_a_selection_of_nothing_expects_nothing(job, project, lines):
    save(project, a=records(lines, "fake", "passed"))
    (project.path / "selection.json").write_text('{"columns": []}')

    job("pull_request", PULL, "records", "--selection", "selection.json")

    assert conclusions(job.server)["metaflow-backends"] == "success"


@pytest.mark.parametrize("content", ["", "[]", '{"columns": "fake"}', '{"columns": [1]}'])
def test_a_selection_that_is_none_is_a_mistake(job, project, lines, content):
    save(project, a=records(lines, "fake", "passed"))
    (project.path / "selection.json").write_text(content)

    job("pull_request", PULL, "records", "--selection", "selection.json", ret=4)

    assert conclusions(job.server) == {"metaflow-backends": "failure"}


def test_a_job_of_a_fork_writes_texts_only_and_says_what_does_more(job, project, lines):
    save(project, a=records(lines, "fake", "passed"), b=records(lines, "other", "passed"))
    fork = {**PULL["pull_request"], "head": {"sha": HEAD, "repo": THEIRS}}

    result = job("pull_request", {**PULL, "pull_request": fork}, "records")

    assert job.server.runs == {}
    result.stderr.fnmatch_lines(["no check runs: a job of a fork may not write; *"])


def test_without_a_token_the_verdict_is_the_exit_code_all_the_same(job, project, lines):
    save(project, a=records(lines, "fake", "failed"), b=records(lines, "other", "passed"))

    result = job("pull_request", PULL, "records", token="", ret=1)

    result.stderr.fnmatch_lines(["no check runs: GITHUB_TOKEN is not set"])


def test_a_lack_of_rights_is_red_and_says_which(job, project, lines):
    save(project, a=records(lines, "fake", "passed"), b=records(lines, "other", "passed"))
    job.server.faults.extend([faults.fine, faults.fine, faults.no_rights])

    result = job("pull_request", PULL, "records", ret=1)

    result.stderr.fnmatch_lines(["error: POST /check-runs: 403 *`permissions: checks: write`*"])


@pytest.fixture
def ended(job, lines):
    """A run of a fork's pull request that has ended, with the records of both backends."""
    job.server.contents[HEAD, "matrix.yaml"] = MATRIX.encode()
    job.server.pulls = [
        {"number": 4, "head": {"label": "someone:fix", "sha": "d" * 40}, "labels": []},
        {"number": 5, "head": {"label": "someone:fix", "sha": HEAD}, "labels": []},
    ]
    job.server.files = [{"filename": "unknown.cfg"}]
    job.server.artifacts = {
        1: ("records-fake-1", zipped(("a.jsonl", records(lines, "fake", "passed")))),
        2: ("records-other-1", zipped(("a.jsonl", records(lines, "other", "passed")))),
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
    ended("workflow_run", {**ENDED, "action": action})

    (check,) = ended.server.runs.values()
    assert (check["name"], check["status"]) == ("metaflow-backends", "in_progress")
    assert "conclusion" not in check

    ended("workflow_run", {**ENDED, "action": "completed"})

    assert conclusions(ended.server)["metaflow-backends"] == "success"
    assert len(ended.server.runs) == 3


def test_news_of_a_beginning_that_come_late_change_nothing(ended):
    ended("workflow_run", ENDED)
    state = ended.server.state()

    ended("workflow_run", {**ENDED, "action": "in_progress"})

    assert ended.server.state() == state


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


def test_what_a_test_prints_is_no_command_to_the_runner(ended, lines):
    name = records(lines, "fake", "failed").replace(b"test_0", b"test_x ::add-mask::e")
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


def test_hostile_artifacts_are_said_in_the_summary_and_are_red(ended, lines):
    ended.server.artifacts[3] = ("records-x", zipped(("../../a.jsonl", b"x")))
    old = records(lines, "fake", "passed", run="41", attempt="9")
    ended.server.artifacts[4] = ("records-y", zipped(("a.jsonl", old)))

    ended("workflow_run", ENDED, ret=1)

    summary = [run for run in ended.server.runs.values() if run["name"] == "metaflow-backends"][-1]
    assert summary["conclusion"] == "failure"
    assert "records damaged: artifact records-x: refused" in summary["output"]["title"]
    assert "it is of run 41, and this is 7" in summary["output"]["text"]


def test_a_second_attempt_stands_and_the_first_stays_as_an_attempt(ended, lines):
    """`Re-run failed jobs`: the first attempt's artifacts are still there."""
    first = records(lines, "other", "failed", attempt="1")
    second = records(lines, "other", "passed", attempt="2")
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


def test_without_a_token_an_ended_run_cannot_be_read(ended):
    result = ended("workflow_run", ENDED, token="", ret=4)

    result.stderr.fnmatch_lines(["error: GITHUB_TOKEN is not set, and the records of a run *"])
