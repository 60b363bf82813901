"""From a folder of records to everything the reports are drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_metaflow_backends.errors import ExitCode
from pytest_metaflow_backends.report import groups
from pytest_metaflow_backends.report.health import Health
from pytest_metaflow_backends.report.merge import Merged, SessionEnd, merge
from pytest_metaflow_backends.report.model import HOST, Detail, Report, State
from pytest_metaflow_backends.report.verdict import ColumnFacts, RunFacts, judge

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from pytest_metaflow_backends.report.merge import Compare

# Ends that need no red result to be red, in words; anything unknown is red too.
_EXPLAINED: frozenset[int] = frozenset(
    {ExitCode.GREEN, ExitCode.RED, ExitCode.NOTHING_SELECTED, ExitCode.REQUIRED_UNAVAILABLE}
)
_ENDS: dict[int, str] = {
    ExitCode.INTERRUPTED: "its session was interrupted, or tests could not be collected",
    ExitCode.INTERNAL: "its session ended with an internal error",
    ExitCode.USAGE: "its session ended with a usage error",
}


@dataclass(frozen=True)
class ExpectedColumn:
    """A column that the reader of the report counts on."""

    name: str
    required: bool


class Expectation(Protocol):
    """A known failure with an end date; matrix.model.Expectation is one."""

    def covers(self, key: str, column: str) -> bool: ...

    def expired(self, today: date) -> bool: ...


def build(
    records: Path | Iterable[Path],
    *,
    expected: Sequence[ExpectedColumn] = (),
    compare: Compare | None = None,
    today: date | None = None,
    title: str = "Backend matrix",
    flaky_budget: int | None = None,
    expectations: Sequence[Expectation] = (),
    order: Sequence[str] = (),
    refused: Sequence[str] = (),
    broken_jobs: Sequence[str] = (),
) -> Report:
    """Read the records, judge them and arrange what is not clean.

    Every `expected` column that no session reported is a failure. `compare` says where columns
    differ in what their runs left behind. Expected failures that only expectations expired
    `today` (if given) cover are failures. `order` names columns as the grid
    shows them, from the left; others follow. `refused` names records that were not believed before
    they came here, `broken_jobs` jobs that ended red, which some red result has to explain. Never
    raises for what the records hold: damage is red.
    """
    merged = merge(records, expected=[column.name for column in expected], compare=compare)
    damage = [*refused, *merged.damage]
    expired = _expired(merged, expectations, today)
    facts = RunFacts(
        columns=[_facts(merged, name, expected, expired) for name in _columns(merged, order)],
        sessions=len(merged.sessions),
        damage=damage,
        differences=len(merged.differences),
        flaky_budget=flaky_budget,
        unexplained=[end.session.id for end in merged.ends if end.unexplained],
        broken_jobs=broken_jobs,
    )
    grid, details = merged.grid, merged.grid.details.values()
    columns = grid.columns
    return Report(
        grid=grid,
        verdict=judge(facts),
        groups=groups.failures(details, columns, expired),
        disagreements=groups.disagreements(grid),
        differences=merged.differences,
        not_run=[*merged.unreported, *groups.ordered(details, columns, State.NOT_RUN)],
        skipped=groups.ordered(details, columns, State.SKIPPED),
        flaky=groups.ordered(details, columns, State.FLAKY),
        slowest=groups.slowest(grid),
        drift=merged.drift,
        sessions=merged.sessions,
        events=merged.events,
        killed=merged.killed,
        title=title,
        damage=[*damage, *(line for end in merged.ends for line in end.damage)],
    )


def _columns(merged: Merged, order: Sequence[str]) -> list[str]:
    """Name all columns: expected, seen in cells, told of, or of a session with something to tell.

    A column that a session merely could have run is left out, unless somebody expects it.
    """
    grid = merged.grid
    names = [*merged.health]
    for end in merged.ends:
        if not end.quiet or _end_of(end):
            names += sorted(end.columns) or [HOST]
    for name in names:
        if name not in grid.states:
            grid.add_column(name)
    rank = {name: number for number, name in enumerate(order)}
    grid.columns.sort(key=lambda name: (name == HOST, rank.get(name, len(rank))))
    return grid.columns


def _expired(
    merged: Merged, expectations: Sequence[Expectation], today: date | None
) -> set[tuple[str, str]]:
    if today is None or not expectations:
        return set()
    return {
        place
        for place, detail in merged.grid.details.items()
        if detail.state is State.XFAILED and _ran_out(detail, expectations, today)
    }


def _ran_out(detail: Detail, expectations: Sequence[Expectation], today: date) -> bool:
    covering = [e for e in expectations if e.covers(detail.key, detail.column)]
    return bool(covering) and all(e.expired(today) for e in covering)


def _facts(
    merged: Merged, name: str, expected: Sequence[ExpectedColumn], expired: set[tuple[str, str]]
) -> ColumnFacts:
    cells, health = merged.grid.states[name], merged.health.get(name, Health())
    counts = {state: n for state in State if (n := cells.count(state))}
    counts.pop(State.ABSENT, None)
    ends = [end for end in merged.ends if name in end.columns or (not end.columns and name == HOST)]
    demanded = any(end.exitstatus == ExitCode.REQUIRED_UNAVAILABLE for end in ends)
    return ColumnFacts(
        name=name,
        required=health.required
        or (demanded and health.state == "unavailable")
        or any(column.required for column in expected if column.name == name),
        counts=counts,
        reported=bool(ends or counts or name in merged.health),
        damage=[line for end in ends for line in end.damage],
        unfinished=any(not end.finished for end in ends),
        lost=sum(end.lost for end in ends),
        unavailable=health.reason if health.state == "unavailable" else None,
        broken=health.reason if health.state == "broken" else None,
        expired=sum(column == name for _, column in expired),
        ended="; ".join(dict.fromkeys(said for end in ends if (said := _end_of(end)))),
        seconds=sum(merged.grid.seconds[name]),
        provider=health.provider,
        versions=health.versions,
        logs=health.logs,
    )


def _end_of(end: SessionEnd) -> str:
    """Say how a session ended if it came to no proper end by itself."""
    if end.exitstatus in _EXPLAINED:
        return ""
    if end.reason and end.exitstatus in {ExitCode.INTERRUPTED, ExitCode.USAGE}:
        return f"its session ended early: {end.reason}"
    other = f"its session ended with exit status {end.exitstatus}"
    return _ENDS.get(end.exitstatus, other)
