"""The one answer, as a pure function of facts: absence is red, and the whole is never neutral.

The rules of a column are tried in the order in which they stand below; the first that matches
gives judgement and reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import ExitCode
from pytest_metaflow_backends.report.model import ColumnVerdict, Judgement, State, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# How states are called in counts, in the order in which people want to read them.
WORDS: Mapping[State, str] = {
    State.FAILED: "failed",
    State.ERROR: "errors",
    State.CRASHED: "crashed",
    State.TIMEOUT: "timed out",
    State.XPASSED: "unexpectedly passed",
    State.MISSING: "not reported",
    State.NOT_RUN: "not run",
    State.FLAKY: "flaky",
    State.PASSED: "passed",
    State.XFAILED: "expected failures",
    State.SKIPPED: "skipped",
}
NAMED = 3  # reasons that the verdict's line spells out


@dataclass(frozen=True)
class ColumnFacts:
    """What is known of one column; `counts` says how many of its cells are in which state."""

    name: str  # "" for the tests without a backend
    required: bool
    counts: Mapping[State, int] = field(default_factory=dict)
    reported: bool = True  # some session was asked to run it, or did
    damage: Sequence[str] = ()
    unfinished: bool = False  # a session that no later one replaces has no `finish`
    lost: int = 0  # results that were counted at the end and are not here
    unavailable: str | None = None  # why, if it was
    broken: str | None = None  # why, if it did not come up or died
    expired: int = 0  # expected failures whose expectation has run out
    ended: str = ""  # e.g. "interrupted", if a session ended in a way that results don't explain
    seconds: float = 0.0
    provider: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    logs: str = ""

    def count(self, *states: State) -> int:
        return sum(self.counts.get(state, 0) for state in states)

    @property
    def planned(self) -> int:
        return sum(n for state, n in self.counts.items() if state is not State.ABSENT)

    @property
    def executed(self) -> int:
        return sum(n for state, n in self.counts.items() if state.executed)

    @property
    def reds(self) -> int:
        return sum(n for state, n in self.counts.items() if state.red)


@dataclass(frozen=True)
class RunFacts:
    """What is known of everything together."""

    columns: Sequence[ColumnFacts]
    sessions: int
    damage: Sequence[str] = ()  # of files that belong to no session
    differences: int = 0  # between columns, in what runs left behind
    flaky_budget: int | None = None  # more flaky results than this are red; None = no limit
    unexplained: Sequence[str] = ()  # sessions that ended red although no result of theirs is red
    broken_jobs: Sequence[str] = ()  # what a CI says of its jobs, e.g. `job units ended: failure`


def judge(facts: RunFacts) -> Verdict:
    """Judge every column, then the whole.

    Exit codes (errors.ExitCode): 10 if any required backend did not come up, whatever else is red,
    since that is what has to be cured first; 5 if sessions ran, nothing was planned in any of them
    and nothing else is wrong; 1 for every other red; 0 for success.
    """
    columns = tuple(_judge_column(column) for column in facts.columns)
    reasons = [*_overall(facts), *_of_columns(facts, columns)]
    executed = sum(column.executed for column in facts.columns)
    if not executed:
        reasons.append("nothing was executed")
    if facts.unexplained and not reasons:
        reasons.append(f"session {_first(facts.unexplained)} ended red, and no result says why")
    if facts.broken_jobs and not reasons:
        reasons.append(f"{_first(facts.broken_jobs)}, and no result says why")
    if not reasons:
        return Verdict(Judgement.SUCCESS, _success(facts.columns), columns, ExitCode.GREEN)
    return Verdict(Judgement.FAILURE, _joined(reasons), columns, _exit_code(facts))


def _overall(facts: RunFacts) -> list[str]:
    """Give the reasons that belong to no single column."""
    if not facts.sessions and not facts.damage:
        return ["no records at all"]
    reasons = []
    if facts.damage:
        reasons.append(f"records damaged: {_first(facts.damage)}")
    if facts.differences:
        reasons.append(f"columns differ in {_n(facts.differences, 'place')}")
    flaky = sum(column.count(State.FLAKY) for column in facts.columns)
    if facts.flaky_budget is not None and flaky > facts.flaky_budget:
        reasons.append(f"{flaky} flaky, {facts.flaky_budget} allowed")
    return reasons


def _of_columns(facts: RunFacts, verdicts: Sequence[ColumnVerdict]) -> list[str]:
    if not facts.sessions and not any(column.planned for column in facts.columns):
        return []  # "no records at all" says it for every column
    return [
        f"{column.column or '(no backend)'}: {column.reason}"
        for column in verdicts
        if column.judgement is Judgement.FAILURE
    ]


def _joined(reasons: Sequence[str]) -> str:
    more = len(reasons) - NAMED
    return "; ".join(reasons[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def _exit_code(facts: RunFacts) -> ExitCode:
    if any(column.required and _never_up(column) for column in facts.columns):
        return ExitCode.REQUIRED_UNAVAILABLE
    clean = not (facts.damage or facts.differences or facts.unexplained or facts.broken_jobs)
    if facts.sessions and clean and all(_only_empty(column) for column in facts.columns):
        return ExitCode.NOTHING_SELECTED
    return ExitCode.RED


def _never_up(column: ColumnFacts) -> bool:
    """Tell whether the backend was not there, or broke before anything ran on it."""
    return column.unavailable is not None or (column.broken is not None and not column.executed)


def _only_empty(column: ColumnFacts) -> bool:
    """Tell whether nothing was planned here and that is all there is to say."""
    wrong = (column.damage, column.unfinished, column.lost, column.broken, column.ended)
    return not column.planned and not any(wrong)


def _judge_column(column: ColumnFacts) -> ColumnVerdict:
    judgement, reason = _first_match(column)
    return ColumnVerdict(
        column=column.name,
        judgement=judgement,
        reason=reason,
        required=column.required,
        counts=column.counts,
        seconds=column.seconds,
        provider=column.provider,
        versions=column.versions,
        logs=column.logs,
    )


def _first_match(column: ColumnFacts) -> tuple[Judgement, str]:
    for rule in _FAILURES:
        reason = rule(column)
        if reason:
            return Judgement.FAILURE, reason
    if column.unavailable is not None:
        return Judgement.NEUTRAL, f"unavailable: {column.unavailable or 'no reason given'}"
    if not column.executed:
        return Judgement.NEUTRAL, f"nothing executed: {summary(column.counts)}"
    return Judgement.SUCCESS, summary(column.counts)


def _absent(column: ColumnFacts) -> str:
    return "" if column.reported else "absent: no session reported it"


def _damaged(column: ColumnFacts) -> str:
    return f"records damaged: {_first(column.damage)}" if column.damage else ""


def _incomplete(column: ColumnFacts) -> str:
    missing = max(column.count(State.MISSING), column.lost)
    parts = [f"{missing} not reported"] if missing else []
    parts += ["its session was killed"] if column.unfinished else []
    parts += [f"{n} crashed"] if (n := column.count(State.CRASHED)) and parts else []
    parts += [column.ended] if column.ended and parts else []
    return f"incomplete: {', '.join(parts)}" if parts else ""


def _required_unavailable(column: ColumnFacts) -> str:
    if column.required and column.unavailable is not None:
        return f"required and unavailable: {column.unavailable or 'no reason given'}"
    return ""


def _required_idle(column: ColumnFacts) -> str:
    if column.required and not column.executed and column.broken is None:
        return f"required and nothing executed: {summary(column.counts)}"
    return ""


def _broken(column: ColumnFacts) -> str:
    if column.broken is None:
        return ""
    return f"backend broke: {column.broken or 'no reason given'} ({summary(column.counts)})"


def _red(column: ColumnFacts) -> str:
    return summary(column.counts) if column.reds else ""


def _expired(column: ColumnFacts) -> str:
    return f"{_n(column.expired, 'expectation')} expired" if column.expired else ""


def _not_run(column: ColumnFacts) -> str:
    """Planned tests that did not run need a backend that said why."""
    left = column.count(State.NOT_RUN)
    excused = column.unavailable is not None and not column.executed
    return f"{left} not run" if left and not excused else ""


_FAILURES: Sequence[Callable[[ColumnFacts], str]] = (
    _absent,
    _damaged,
    _incomplete,
    _required_unavailable,
    _broken,
    _required_idle,
    _red,
    _expired,
    _not_run,
    lambda column: column.ended,
)


def summary(counts: Mapping[State, int]) -> str:
    """Say the counts as a person would: `2 failed, 1 flaky, 40 passed`."""
    parts = [f"{n} {_word(word, n)}" for state, word in WORDS.items() if (n := counts.get(state))]
    return ", ".join(parts) or "no tests"


def _word(word: str, count: int) -> str:
    return word.removesuffix("s") if count == 1 else word


def totals(columns: Sequence[ColumnVerdict]) -> dict[State, int]:
    """Add up the counts of all columns."""
    return {state: n for state in WORDS if (n := sum(c.counts.get(state, 0) for c in columns))}


def _success(columns: Sequence[ColumnFacts]) -> str:
    counts = {state: sum(c.counts.get(state, 0) for c in columns) for state in WORDS}
    return f"{summary(counts)} on {_n(len(columns), 'column')}"


def _first(damage: Sequence[str]) -> str:
    more = f" (and {len(damage) - 1} more)" if len(damage) > 1 else ""
    return f"{damage[0]}{more}"


def _n(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
