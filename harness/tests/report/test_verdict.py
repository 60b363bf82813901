"""The verdict cannot be green by accident: a table of cases, then properties over open input."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends.report.model import Judgement, State
from pytest_metaflow_backends.report.verdict import ColumnFacts, RunFacts, judge

PASSED = {State.PASSED: 3}


def column(counts=PASSED, *, required=True, **more):
    return ColumnFacts(name="k8s", required=required, counts=counts, **more)


@pytest.mark.parametrize(
    ("facts", "judgement", "reason"),
    [
        pytest.param(column(), "success", "3 passed", id="clean"),
        pytest.param(
            column({}, reported=False), "failure", "absent: no session reported it", id="absent"
        ),
        pytest.param(
            column(required=False, reported=False, counts={}),
            "failure",
            "absent: no session reported it",
            id="absent-optional",
        ),
        pytest.param(
            column(damage=["x:1: torn", "y"]),
            "failure",
            "records damaged: x:1: torn (and 1 more)",
            id="damaged",
        ),
        pytest.param(
            column(unfinished=True), "failure", "incomplete: its session was killed", id="killed"
        ),
        pytest.param(
            column({State.MISSING: 2, State.PASSED: 1}),
            "failure",
            "incomplete: 2 not reported",
            id="missing",
        ),
        pytest.param(
            column({State.MISSING: 2, State.CRASHED: 1}, unfinished=True),
            "failure",
            "incomplete: 2 not reported, its session was killed, 1 crashed",
            id="killed-in-the-middle",
        ),
        pytest.param(column(lost=4), "failure", "incomplete: 4 not reported", id="lost"),
        pytest.param(
            column({State.NOT_RUN: 3}, unavailable="no docker"),
            "failure",
            "required and unavailable: no docker",
            id="required-unavailable",
        ),
        pytest.param(
            column({State.NOT_RUN: 3}, unavailable="", required=False),
            "neutral",
            "unavailable: no reason given",
            id="optional-unavailable",
        ),
        pytest.param(
            column({State.NOT_RUN: 3, State.PASSED: 1}, unavailable="gone", required=False),
            "failure",
            "3 not run",
            id="unavailable-after-some-tests",
        ),
        pytest.param(
            column({State.FAILED: 1, State.NOT_RUN: 3}, unavailable="gone", required=False),
            "failure",
            "1 failed, 3 not run",
            id="optional-unavailable-with-red",
        ),
        pytest.param(
            column({State.SKIPPED: 3}),
            "failure",
            "required and nothing executed: 3 skipped",
            id="required-all-skipped",
        ),
        pytest.param(
            column({}),
            "failure",
            "required and nothing executed: no tests",
            id="required-nothing-planned",
        ),
        pytest.param(
            column({State.SKIPPED: 3}, required=False),
            "neutral",
            "nothing executed: 3 skipped",
            id="optional-all-skipped",
        ),
        pytest.param(
            column(broken="oom", required=False),
            "failure",
            "backend broke: oom (3 passed)",
            id="broken-optional",
        ),
        *(
            pytest.param(
                column({state: 1, State.PASSED: 1}, required=False),
                "failure",
                f"1 {word}, 1 passed",
                id=state.name.lower(),
            )
            for state, word in {
                State.FAILED: "failed",
                State.ERROR: "error",
                State.CRASHED: "crashed",
                State.TIMEOUT: "timed out",
                State.XPASSED: "unexpectedly passed",
            }.items()
        ),
        pytest.param(column({State.XFAILED: 2}), "success", "2 expected failures", id="expected"),
        pytest.param(
            column({State.XFAILED: 2}, expired=1), "failure", "1 expectation expired", id="expired"
        ),
        pytest.param(column({State.FLAKY: 2}), "success", "2 flaky", id="flaky"),
        pytest.param(column(ended="interrupted"), "failure", "interrupted", id="ended"),
    ],
)
def test_the_first_rule_that_matches_judges_a_column(facts, judgement, reason):
    verdict = judge(RunFacts(columns=[facts], sessions=1)).columns[0]

    assert (judgement, reason) == (verdict.judgement.value, verdict.reason)


OPTIONAL = column({State.NOT_RUN: 1}, required=False, unavailable="no docker")


@pytest.mark.parametrize(
    ("facts", "code", "reason"),
    [
        pytest.param(RunFacts([column()], 1), 0, "3 passed on 1 column", id="green"),
        pytest.param(
            RunFacts([column(), OPTIONAL], 1),
            0,
            "1 not run, 3 passed on 2 columns",
            id="green-beside-neutral",
        ),
        pytest.param(RunFacts([OPTIONAL], 1), 1, "nothing was executed", id="only-neutral-is-red"),
        pytest.param(
            RunFacts([], 0), 1, "no records at all; nothing was executed", id="no-records"
        ),
        pytest.param(
            RunFacts([column({}, reported=False)], 0),
            1,
            "no records at all; nothing was executed",
            id="no-records-though-expected",
        ),
        pytest.param(RunFacts([], 1), 5, "nothing was executed", id="nothing-planned"),
        pytest.param(
            RunFacts([column({})], 1),
            5,
            "k8s: required and nothing executed: no tests; nothing was executed",
            id="nothing-planned-though-required",
        ),
        pytest.param(
            RunFacts([column({}, unfinished=True)], 1),
            1,
            "k8s: incomplete: its session was killed; nothing was executed",
            id="nothing-planned-because-killed",
        ),
        pytest.param(
            RunFacts([column({State.NOT_RUN: 1}, unavailable="x")], 1),
            10,
            "k8s: required and unavailable: x; nothing was executed",
            id="unavailable",
        ),
        pytest.param(
            RunFacts([column({State.FAILED: 1}), column({State.NOT_RUN: 1}, unavailable="x")], 1),
            10,
            "k8s: 1 failed; k8s: required and unavailable: x",
            id="unavailable-beside-red",
        ),
        pytest.param(
            RunFacts([column()], 1, damage=["f: torn"]), 1, "records damaged: f: torn", id="damage"
        ),
        pytest.param(
            RunFacts([column()], 1, differences=2),
            1,
            "columns differ in 2 places",
            id="differences",
        ),
        pytest.param(
            RunFacts([column({State.FLAKY: 2})], 1, flaky_budget=1),
            1,
            "2 flaky, 1 allowed",
            id="flaky-above-budget",
        ),
        pytest.param(
            RunFacts([column({State.FLAKY: 2})], 1, flaky_budget=2),
            0,
            "2 flaky on 1 column",
            id="flaky-within-budget",
        ),
        pytest.param(
            RunFacts([column()], 1, unexplained=["s1"]),
            1,
            "session s1 ended red, and no result says why",
            id="unexplained-end",
        ),
    ],
)
def test_the_whole_is_judged_and_never_neutral(facts, code, reason):
    verdict = judge(facts)

    assert (code, reason) == (verdict.exit_code, verdict.reason)
    assert verdict.judgement is (Judgement.FAILURE if code else Judgement.SUCCESS)


COUNTS = st.dictionaries(st.sampled_from([s for s in State if s]), st.integers(1, 4), max_size=4)
TEXTS = st.none() | st.just("why")
COLUMNS = st.builds(
    ColumnFacts,
    name=st.sampled_from(["", "a", "b/c"]),
    required=st.booleans(),
    counts=COUNTS,
    reported=st.booleans(),
    damage=st.lists(st.just("d"), max_size=1),
    unfinished=st.booleans(),
    lost=st.integers(0, 1),
    unavailable=TEXTS,
    broken=TEXTS,
    expired=st.integers(0, 1),
    ended=st.sampled_from(["", "x"]),
)
RUNS = st.builds(
    RunFacts,
    columns=st.lists(COLUMNS, max_size=3),
    sessions=st.integers(0, 2),
    damage=st.lists(st.just("d"), max_size=1),
    differences=st.integers(0, 1),
    flaky_budget=st.none() | st.integers(0, 2),
    unexplained=st.lists(st.just("s"), max_size=1),
)


@given(RUNS)
def test_success_needs_that_nothing_at_all_is_wrong(facts):
    """Every single reason for red is enough, whatever else is said."""
    verdict = judge(facts)

    wrong = (
        (not facts.sessions and not any(c.planned for c in facts.columns))
        or facts.damage
        or facts.differences
        or facts.unexplained
        or not any(c.executed for c in facts.columns)
        or any(
            c.reds
            or c.damage
            or c.unfinished
            or c.lost
            or c.expired
            or c.ended
            or not c.reported
            or c.broken is not None
            or (c.required and (c.unavailable is not None or not c.executed))
            for c in facts.columns
        )
    )
    assert verdict.judgement is not Judgement.NEUTRAL
    assert (verdict.exit_code == 0) == (verdict.judgement is Judgement.SUCCESS)
    if wrong:
        assert verdict.judgement is Judgement.FAILURE
        assert verdict.reason


class Forever:
    def __init__(self, until):
        self.until = until

    def covers(self, key, column):
        return column == "local"

    def expired(self, today):
        return today > self.until


@pytest.mark.parametrize(
    ("untils", "code"),
    [
        ([date(2027, 1, 1)], 0),
        ([date(2026, 1, 1)], 1),
        ([], 0),
        ([date(2026, 1, 1), date(2027, 1, 1)], 0),
    ],
)
def test_an_expected_failure_is_red_once_all_its_expectations_expired(
    report_of, lines, untils, code
):
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a", "xfailed", owner="ann"),
            lines.finish(),
        ],
        today=date(2026, 6, 1),
        expectations=[Forever(until) for until in untils],
    )

    assert report.verdict.exit_code == code
    assert len(report.groups) == code
