"""Legs of one CI job, and other sessions that speak of the same cells: none hides another."""

from __future__ import annotations

import pytest
from pytest_metaflow_backends.report.model import Judgement

OLD = {"python": "3.10.4", "platform": "Linux-6.1-x86_64", "metaflow": "2.15.1"}
NEW = {**OLD, "python": "3.12.1"}


def ci(attempt=1, job="test"):
    return {"provider": "github", "run": "7", "job": job, "attempt": str(attempt)}


@pytest.fixture
def leg(lines):
    """One session on the column `local`: test_a with an outcome (None = planned only)."""
    started = iter(range(1, 100))

    def leg(outcome, where=None, *, end=True, **more):
        number = next(started)
        session = lines.session(f"s{number}", started=float(number), **(where or OLD), **more)
        told = [lines.result("a", outcome)] if outcome else []
        status = int(outcome in {"failed", "crashed"})
        return [session, lines.plan("a"), *told, *([lines.finish(status)] if end else [])]

    return leg


DIFFERENT = [
    ({}, NEW),
    ({}, {**OLD, "platform": "macOS-14.1-arm64"}),
    ({}, {**OLD, "metaflow": "2.16.0"}),
    ({"ci": ci()}, NEW),
    ({"ci": ci()}, {**OLD, "platform": "macOS-14.1-arm64"}),
    ({"ci": ci()}, {**OLD, "metaflow": "2.16.0"}),
    ({"ci": ci()}, {**OLD, "ci": ci(job="other")}),
    ({"ci": ci()}, {**OLD, "ci": ci(attempt=2, job="other")}),
    ({"ci": ci()}, OLD),  # the same job and attempt once more
    ({"ci": {"provider": "other"}}, OLD),  # a CI of which we know no job
    ({"machine": "0a1b2c3d"}, {**OLD, "machine": "4e5f6a7b"}),
]


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
@pytest.mark.parametrize(("worse", "said"), [("failed", "failed"), (None, "missing")])
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_legs_the_worse_stands(report_of, leg, cells, first, second, worse, said, turned):
    outcomes = ["passed", worse] if turned else [worse, "passed"]
    legs = [leg(o, {**OLD, **first, **m}) for o, m in zip(outcomes, ({}, second), strict=True)]

    report = report_of(*legs)

    assert cells(report)["local"] == {"a": said}
    assert report.verdict.judgement is Judgement.FAILURE


@pytest.mark.parametrize("outcomes", [("failed", None), (None, "failed")])
def test_a_result_that_is_red_tells_more_than_one_that_is_missing(report_of, leg, cells, outcomes):
    report = report_of(leg(outcomes[0], ci=ci()), leg(outcomes[1], NEW, ci=ci()))

    assert cells(report)["local"] == {"a": "failed"}
    assert [d.state.name for d in report.grid.details.values()] == ["FAILED"]


def test_each_leg_forgives_its_own_earlier_attempt_only(report_of, leg, cells):
    report = report_of(
        leg("failed", OLD, ci=ci(1)),
        leg("failed", NEW, ci=ci(1)),
        leg("passed", NEW, ci=ci(2)),
    )

    assert cells(report)["local"] == {"a": "failed"}
    assert report.verdict.judgement is Judgement.FAILURE


def test_a_failure_that_did_not_stand_comes_back_when_the_other_is_forgiven(report_of, leg, cells):
    report = report_of(
        leg("failed", NEW, ci=ci(1)),
        leg("crashed", OLD, ci=ci(1)),
        leg("passed", OLD, ci=ci(2)),
    )

    assert cells(report)["local"] == {"a": "failed"}


def test_two_legs_that_both_passed_in_the_end_are_flaky(report_of, leg, cells):
    report = report_of(
        leg("failed", OLD, ci=ci(1)),
        leg("failed", NEW, ci=ci(1)),
        leg("passed", OLD, ci=ci(2)),
        leg("passed", NEW, ci=ci(2)),
    )

    assert cells(report)["local"] == {"a": "flaky"}
    assert report.verdict.judgement is Judgement.SUCCESS
    (detail,) = report.grid.details.values()
    assert [a.outcome.value for a in detail.attempts] == ["failed", "passed"]


def test_an_attempt_that_was_killed_between_keeps_the_first_failure(report_of, leg, cells):
    """Even if another leg reported in the meantime."""
    report = report_of(
        leg("failed", OLD, ci=ci(1)),
        leg(None, OLD, end=False, ci=ci(2)),
        leg("passed", NEW, ci=ci(2)),
        leg("passed", OLD, ci=ci(3)),
    )

    assert cells(report)["local"] == {"a": "flaky"}
    assert report.verdict.judgement is Judgement.SUCCESS


def test_another_leg_does_not_forgive_a_killed_one(report_of, leg):
    report = report_of(
        leg(None, OLD, end=False, ci=ci(1))[:1],  # killed before it planned
        leg("passed", NEW, ci=ci(2)),
    )

    assert "its session was killed" in report.verdict.reason


def test_a_patch_of_python_and_a_release_of_the_system_make_no_rival(report_of, leg, cells):
    patched = {**OLD, "python": "3.10.9", "platform": "Linux-6.8-x86_64"}

    report = report_of(leg("failed", OLD), leg("passed", patched))

    assert cells(report)["local"] == {"a": "passed"}
    assert report.verdict.judgement is Judgement.SUCCESS


def test_legs_that_all_pass_are_green(report_of, leg, cells):
    report = report_of(*(leg("passed", where, ci=ci()) for where in (OLD, NEW)))

    assert cells(report)["local"] == {"a": "passed"}
    assert not report.grid.details
    assert report.verdict.judgement is Judgement.SUCCESS


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("state", "outcome", "judgement"),
    [("broken", "passed", "failure"), ("unavailable", "not_run", "neutral")],
)
def test_no_leg_hides_how_the_backend_of_another_was(
    report_of, leg, lines, state, outcome, judgement, turned
):
    legs = []
    told = [(OLD, outcome, state), (NEW, "passed", "up")]
    for where, ended, said in reversed(told) if turned else told:
        first, *rest = leg(ended, where, ci=ci())
        legs.append([first, lines.event(said, column="local", reason="no docker"), *rest])

    report = report_of(*legs)

    assert report.verdict.columns[0].judgement.value == judgement
