"""The workflow files themselves, run on a scripted pull request, from its commit to its checks.

`act` ends a run when a called workflow fails, so the job `verdict` is seen on green runs only; that
its command is red for the same reasons is proven where `mf-backends report` is.
"""

from __future__ import annotations

import pytest
from pull_request import Scripted
from strict_github.server import StrictGitHub

MATRIX = """
version: 1
backends:
  fake: {kind: fake, required: true, variants: {other: {default: true}}}
  absent: {kind: fake, default: false}
  shaky: {kind: fake, default: false, options: {flaky: 1}}
select:
  rules:
    - {paths: ["docs/**"], backends: [], tests: [units]}
    - {paths: ["src/**"], backends: [fake, fake/other]}
    - {paths: ["absent/**"], backends: [fake, absent]}
    - {paths: ["shaky/**"], backends: [fake, shaky]}
"""
FILES = {
    "matrix.yaml": MATRIX,
    "units/test_units.py": "def test_unit(): pass\n",
    "test_flows.py": "def test_a(backend): pass\ndef test_b(backend): pass\n",
}
FAILING = "def test_a(backend): pass\ndef test_b(backend): assert backend.variant\n"

# Fails in the first attempt of a run, as an outage would.
ONCE = """import os

def test_a(backend): assert os.environ["GITHUB_RUN_ATTEMPT"] != "1"
"""


@pytest.fixture
def scripted(tmp_path):
    def scripted(changed, **options):
        return Scripted(tmp_path, StrictGitHub(), FILES, changed, **options)

    return scripted


def run(pull, *expected):
    """Run both workflows and compare how they ended."""
    codes = pull.ci(), pull.report()
    assert codes == expected, "\n".join(pull.said)
    assert pull.server.refused == []
    return {check["name"].partition(" / ")[2]: check for check in pull.server.runs.values()}


def test_a_green_pull_request(scripted):
    found = run(scripted({"src/a.py": "1"}), 0, 0)

    assert {name: check["conclusion"] for name, check in found.items()} == {
        "fake": "success",
        "": "success",
    }


def test_one_backend_fails(scripted):
    found = run(scripted({"src/a.py": "1", "test_flows.py": FAILING}), 1, 1)

    assert found["fake"]["conclusion"] == found[""]["conclusion"] == "failure"
    assert "fake: 1 failed, 1 passed" in found["fake"]["output"]["title"]


def test_one_backend_is_absent(scripted):
    """Its job broke before it could say anything."""
    found = run(scripted({"absent/a.py": "1"}), 1, 1)

    assert found["absent"]["conclusion"] == found[""]["conclusion"] == "failure"
    assert found["absent"]["output"]["title"] == "absent: no session reported it"
    assert found["fake"]["conclusion"] == "success"


def test_a_flaky_test_is_seen_and_is_no_failure(scripted):
    found = run(scripted({"shaky/a.py": "1"}), 0, 0)

    assert {check["conclusion"] for check in found.values()} == {"success"}
    assert "1 flaky" in found["shaky"]["output"]["title"]


def test_a_fork(scripted):
    found = run(scripted({"src/a.py": "1"}, fork=True), 0, 0)

    assert found[""]["conclusion"] == "success"


def test_a_change_of_documents_needs_no_backend(scripted):
    found = run(scripted({"docs/a.md": "1"}), 0, 0)

    assert list(found) == [""]
    assert "1 passed" in found[""]["output"]["title"]


def test_failed_jobs_that_are_run_again_stand_and_the_first_attempt_stays(scripted):
    pull = scripted({"src/a.py": "1", "test_flows.py": ONCE})
    first = pull.ci()

    codes = pull.ci(attempt=2), pull.report(attempt=2)

    assert (first, *codes) == (1, 0, 0), "\n".join(pull.said)
    found = {run["name"].partition(" / ")[2]: run for run in pull.server.runs.values()}
    assert {check["conclusion"] for check in found.values()} == {"success"}
    assert found["fake"]["output"]["title"] == "fake: 1 flaky; fake/other: 1 flaky"
