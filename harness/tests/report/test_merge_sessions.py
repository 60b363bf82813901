"""Several sessions of one run: which of them stands, and how each ended."""

from __future__ import annotations

import shutil

import pytest
from pytest_metaflow_backends.report.build import build
from pytest_metaflow_backends.report.model import Judgement


def test_the_same_file_delivered_twice_counts_once(tmp_path, lines, cells):
    content = [lines.session(), lines.plan("a"), lines.result("a", "failed"), lines.finish(1)]
    lines.write(tmp_path / "one" / "s1.jsonl", *content)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    lines.write(tmp_path / "early" / "s1.jsonl", *content[:2])

    report = build(tmp_path)

    assert not report.damage
    assert len(report.sessions) == 1
    assert cells(report) == {"local": {"a": "failed"}}
    assert len(report.groups[0].details[0].attempts) == 1


def test_two_different_files_that_claim_to_be_one_session_are_red(tmp_path, lines):
    lines.write(
        tmp_path / "a" / "s1.jsonl",
        lines.session(),
        lines.plan("a"),
        lines.result("a"),
        lines.finish(),
    )
    lines.write(
        tmp_path / "b" / "s1.jsonl",
        lines.session(),
        lines.plan("a"),
        lines.result("a", "failed"),
        lines.finish(1),
    )

    report = build(tmp_path)

    assert report.damage[0].endswith("another file also claims to be session s1")
    assert report.verdict.judgement is Judgement.FAILURE


def ci(attempt, job="k8s"):
    return {"provider": "github", "run": "7", "job": job, "attempt": str(attempt)}


def test_the_newest_ci_attempt_wins_and_older_ones_become_attempts(report_of, lines, cells):
    """Whatever the order of the files: time decides."""
    report = report_of(
        [
            lines.session("s2", started=2.0, ci=ci(2)),
            lines.plan("a", "b", "c"),
            lines.result("a"),
            lines.result("b", "failed"),
            lines.result("c"),
            lines.finish(1),
        ],
        [
            lines.session("s1", started=1.0, ci=ci(1)),
            lines.plan("a", "b", "c"),
            lines.result("a", "failed"),
            lines.result("b", "failed"),
            lines.result("c"),
            lines.finish(1),
        ],
    )

    assert cells(report)["local"] == {"a": "flaky", "b": "failed", "c": "passed"}
    details = report.grid.details
    outcomes = {
        key: [(a.n, a.outcome.value) for a in d.attempts] for (key, _), d in details.items()
    }
    assert outcomes == {
        "t.py::test_a": [(1, "failed"), (2, "passed")],
        "t.py::test_b": [(1, "failed"), (2, "failed")],
    }


def test_a_killed_ci_attempt_is_forgiven_once_a_later_one_came_to_its_end(report_of, lines, cells):
    killed = [lines.session("s1", started=1.0, ci=ci(1)), lines.plan("a"), lines.running("a")]
    good = [
        lines.session("s2", started=2.0, ci=ci(2)),
        lines.plan("a"),
        lines.result("a"),
        lines.finish(),
    ]

    report = report_of(killed, good)

    assert cells(report)["local"] == {"a": "flaky"}
    assert report.verdict.judgement is Judgement.SUCCESS
    assert list(report.killed) == ["t.py::test_a[local]"]


def test_a_killed_attempt_of_another_job_is_not_forgiven(report_of, lines):
    killed = [lines.session("s1", started=1.0, ci=ci(1, job="shard-1"))]
    good = [
        lines.session("s2", started=2.0, ci=ci(2, job="shard-2")),
        lines.plan("a"),
        lines.result("a"),
        lines.finish(),
    ]

    report = report_of(killed, good)

    assert report.verdict.judgement is Judgement.FAILURE
    assert "its session was killed" in report.verdict.reason


def test_two_sessions_with_different_tests_of_one_column_add_up(report_of, lines, cells):
    """A later green session must not hide the red tests of an earlier one."""
    report = report_of(
        [
            lines.session("s1", started=1.0),
            lines.plan("a"),
            lines.result("a", "failed"),
            lines.finish(1),
        ],
        [lines.session("s2", started=2.0), lines.plan("b"), lines.result("b"), lines.finish()],
    )

    assert cells(report)["local"] == {"a": "failed", "b": "passed"}
    assert report.verdict.judgement is Judgement.FAILURE


def test_a_later_session_outside_ci_replaces_what_it_ran_again(report_of, lines, cells):
    """On a developer's machine the code has changed in between: no flakiness is made up."""
    report = report_of(
        [
            lines.session("s1", started=1.0),
            lines.plan("a"),
            lines.result("a", "failed"),
            lines.finish(1),
        ],
        [lines.session("s2", started=2.0), lines.plan("a"), lines.result("a"), lines.finish()],
    )

    assert cells(report)["local"] == {"a": "passed"}
    assert report.verdict.judgement is Judgement.SUCCESS


def test_of_two_results_of_one_session_for_one_cell_the_worse_stands(report_of, lines, cells):
    report = report_of(
        [
            lines.session(),
            lines.plan("a", "b"),
            lines.result("a", "failed"),
            lines.result("a"),
            lines.result("b"),
            lines.result("b", "failed"),
            lines.finish(1),
        ]
    )

    assert cells(report)["local"] == {"a": "failed", "b": "failed"}


def test_a_pass_after_a_failed_attempt_is_flaky(report_of, lines):
    tries = [lines.attempt(), {"n": 2, "phase": "call", "outcome": "passed"}]
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a", attempts=tries),
            lines.finish(),
        ]
    )

    assert [d.key for d in report.flaky] == ["t.py::test_a"]
    assert report.verdict.judgement is Judgement.SUCCESS


def test_results_that_the_last_line_counts_and_that_are_not_there_are_missed(report_of, lines):
    """A line that vanished is noticed even if nothing announced it."""
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a"),
            lines.finish(0, passed=1, failed=1),
        ]
    )

    assert report.verdict.columns[0].reason == "incomplete: 1 not reported"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (2, "interrupted"),
        (3, "internal error"),
        (4, "usage error"),
        (77, "exit status 77"),
        (-1, "exit status -1"),
        ("0", "exit status -1"),
        (True, "exit status -1"),
    ],
)
def test_an_end_that_results_do_not_explain_is_red(report_of, lines, status, said):
    report = report_of([lines.session(), lines.plan("a"), lines.result("a"), lines.finish(status)])

    assert said in report.verdict.columns[0].reason
    assert report.verdict.judgement is Judgement.FAILURE


def test_a_session_that_ended_red_without_a_red_result_is_red(report_of, lines):
    report = report_of([lines.session(), lines.plan("a"), lines.result("a"), lines.finish(1)])

    assert report.verdict.reason == "session s1 ended red, and no result says why"


def test_a_collection_error_with_nothing_planned_is_red(report_of, lines):
    report = report_of([lines.session(columns=[]), lines.finish(2)])

    assert report.verdict.exit_code == 1
    assert "could not be collected" in report.verdict.reason
