"""The workflow files themselves, run on a scripted pull request, from its commit to its checks.

`act` ends a run when a called workflow fails, so the job `verdict` is seen on green runs only; that
its command is red for the same reasons is proven where `mf-backends report` is.
"""

from __future__ import annotations

import psutil
import pytest
import scripted_pulls as pulls
from pull_request import Scripted
from strict_github.server import StrictGitHub


@pytest.fixture
def scripted(tmp_path):
    def scripted(changed, **options):
        return Scripted(tmp_path, StrictGitHub(), pulls.FILES, changed, **options)

    yield scripted
    assert left_below(tmp_path) == []


def left_below(folder):
    """List the commands that still run for something in a folder."""
    commands = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    return [command for command in commands if any(str(folder) in word for word in command)]


def run(pull, *expected):
    """Run both workflows and compare how they ended."""
    codes = pull.ci(), pull.report()
    assert codes == expected, "\n".join(pull.said)
    assert pull.server.refused == []
    return {check["name"].partition(" / ")[2]: check for check in pull.server.runs.values()}


def test_a_green_pull_request(scripted):
    found = run(scripted(pulls.GREEN), 0, 0)

    assert {name: check["conclusion"] for name, check in found.items()} == {
        "fake": "success",
        "": "success",
    }


def test_one_backend_fails(scripted):
    found = run(scripted(pulls.ONE_FAILS), 1, 1)

    assert found["fake"]["conclusion"] == found[""]["conclusion"] == "failure"
    assert "fake: 1 failed, 1 passed" in found["fake"]["output"]["title"]
    assert "ZeroDivisionError" in found["fake"]["output"]["summary"]
    assert "shared by 0 readers" in found["fake"]["output"]["text"]  # the failed task's own log


def test_one_backend_is_absent(scripted):
    """Its job broke before it could say anything."""
    found = run(scripted(pulls.ONE_IS_ABSENT), 1, 1)

    assert found["remote"]["conclusion"] == found[""]["conclusion"] == "failure"
    assert found["remote"]["output"]["title"] == "absent: no session reported it"
    assert found["fake"]["conclusion"] == "success"


def test_a_flaky_test_is_seen_and_is_no_failure(scripted):
    found = run(scripted(pulls.FLAKY), 0, 0)

    assert {check["conclusion"] for check in found.values()} == {"success"}
    assert "1 flaky" in found["shaky"]["output"]["title"]


def test_a_fork(scripted):
    found = run(scripted(pulls.GREEN, fork=True), 0, 0)

    assert found[""]["conclusion"] == "success"


def test_a_change_of_documents_needs_no_backend(scripted):
    found = run(scripted(pulls.DOCUMENTS), 0, 0)

    assert list(found) == [""]
    assert "1 passed" in found[""]["output"]["title"]


def test_a_label_adds_a_backend_that_the_change_does_not_need(scripted):
    found = run(scripted(pulls.DOCUMENTS, labels=("backend:shaky", "bug")), 0, 0)

    assert set(found) == {"shaky", ""}
    assert found["shaky"]["conclusion"] == "success"


def test_the_merge_queue_tests_everything(scripted):
    found = run(scripted(pulls.DOCUMENTS, event="merge_group"), 0, 0)

    assert set(found) == {"fake", ""}
    assert found["fake"]["output"]["title"] == "fake: 2 passed; fake/other: 2 passed"
    assert found[""]["conclusion"] == "success"


def test_failed_jobs_that_are_run_again_stand_and_the_first_attempt_stays(scripted):
    pull = scripted(pulls.RUN_AGAIN)
    first = pull.ci()

    codes = pull.ci(attempt=2), pull.report(attempt=2)

    assert (first, *codes) == (1, 0, 0), "\n".join(pull.said)
    found = {run["name"].partition(" / ")[2]: run for run in pull.server.runs.values()}
    assert {check["conclusion"] for check in found.values()} == {"success"}
    assert found["fake"]["output"]["title"] == "fake: 1 flaky; fake/other: 1 flaky"
