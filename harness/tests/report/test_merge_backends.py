"""What became of the backends themselves, and of columns that nobody reported."""

from __future__ import annotations

import pytest
from pytest_metaflow_backends.report.model import HOST, Judgement


def test_an_unavailable_optional_backend_is_neutral_and_says_how_to_get_it(report_of, lines, cells):
    report = report_of(
        [
            lines.session(columns=["local", "k8s"]),
            lines.plan("a"),
            lines.plan("a", column="k8s"),
            lines.event("unavailable", reason="no docker", cure="apt install docker.io"),
            lines.result("a"),
            lines.result("a", "not_run", "k8s", skip_kind="unavailable", skip_reason="no docker"),
            lines.finish(),
        ],
        required=["local"],
    )

    verdicts = {c.column: (c.judgement.value, c.reason) for c in report.verdict.columns}
    assert verdicts["k8s"] == ("neutral", "unavailable: no docker (apt install docker.io)")
    assert report.verdict.judgement is Judgement.SUCCESS
    assert cells(report)["k8s"] == {"a": "not_run"}
    assert [d.skip_reason for d in report.not_run] == ["no docker"]


@pytest.mark.parametrize("who", ["expected", "event", "exitstatus"])
def test_an_unavailable_required_backend_is_exit_10(report_of, lines, who):
    """Whoever says that it is required: the reader, the event, or the session's own end."""
    status = 10 if who == "exitstatus" else 0
    report = report_of(
        [
            lines.session(columns=["k8s"]),
            lines.plan("a", column="k8s"),
            lines.event("unavailable", reason="no docker", required=who == "event"),
            lines.result("a", "not_run", "k8s", skip_kind="unavailable"),
            lines.finish(status),
        ],
        required=["k8s"] if who == "expected" else [],
    )

    assert report.verdict.exit_code == 10
    assert report.verdict.columns[0].reason == "required and unavailable: no docker"


@pytest.mark.parametrize(
    ("states", "judgement"),
    [
        (["probing", "up", "down"], "success"),
        (["failed", "up", "down"], "success"),
        (["up", "broken", "down"], "failure"),
        (["probing", "failed"], "failure"),
    ],
)
def test_a_backend_that_broke_is_red_even_if_optional(report_of, lines, states, judgement):
    report = report_of(
        [
            lines.session(columns=["k8s"]),
            lines.plan("a", column="k8s"),
            *(lines.event(state) for state in states),
            lines.result("a", column="k8s"),
            lines.finish(),
        ]
    )

    assert report.verdict.columns[0].judgement.value == judgement


def test_two_workers_that_disagree_about_a_backend_count_as_the_worse(report_of, lines):
    report = report_of(
        [
            lines.session(columns=["k8s"]),
            lines.plan("a", column="k8s"),
            lines.result("a", column="k8s"),
            lines.finish(),
        ],
        [lines.part(worker="gw0"), lines.event("broken", reason="died twice")],
        [lines.part(worker="gw1"), lines.event("up")],
    )

    assert report.verdict.columns[0].reason == "backend broke: died twice (1 passed)"


def test_not_run_without_an_unavailable_backend_is_red(report_of, lines):
    report = report_of(
        [
            lines.session(),
            lines.plan("a", "b"),
            lines.result("a"),
            lines.result("b", "not_run", skip_kind="deadline"),
            lines.finish(0),
        ]
    )

    assert report.verdict.columns[0].reason == "1 not run"
    assert report.verdict.judgement is Judgement.FAILURE


def test_no_records_at_all_is_red(report_of):
    report = report_of(required=["local"])

    assert report.verdict.judgement is Judgement.FAILURE
    assert report.verdict.exit_code == 1
    assert report.verdict.reason.startswith("no records at all")


def test_nothing_planned_anywhere_is_exit_5(report_of, lines):
    report = report_of([lines.session(), lines.finish(5)], required=["local"])

    assert report.verdict.judgement is Judgement.FAILURE
    assert report.verdict.exit_code == 5


def test_an_expected_column_that_no_session_reports_is_red_even_if_optional(report_of, lines):
    report = report_of(
        [lines.session(), lines.plan("a"), lines.result("a"), lines.finish()],
        optional=["k8s"],
    )

    assert report.verdict.reason == "k8s: absent: no session reported it"


def test_tests_without_a_backend_have_the_last_column(report_of, lines):
    report = report_of(
        [
            lines.session(),
            lines.plan("h", column=""),
            lines.plan("a"),
            lines.result("h", column=""),
            lines.result("a"),
            lines.finish(),
        ]
    )

    assert report.grid.columns == ["local", HOST]
    assert report.verdict.judgement is Judgement.SUCCESS
