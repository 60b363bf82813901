"""The report of some columns only, such as those of one backend."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import ExitCode
from pytest_metaflow_backends.report import groups
from pytest_metaflow_backends.report.model import Grid, Judgement, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from pytest_metaflow_backends.report.model import ColumnVerdict, Detail, Group


def part(report: Report, columns: Collection[str], title: str, broken: str = "") -> Report:
    """Give what a report says about these columns, judged by themselves.

    `broken` says how the job that ran them ended, if that was red: some result has to explain it.

    Rows keep their numbers and nothing large is copied: a part costs no more than its failures.
    Damage and differences belong to columns together, so they stay with the whole; a difference
    is listed where one of the columns takes part in it.
    """
    verdicts = [v for v in report.verdict.columns if v.column in columns]
    grid = _grid(report.grid, columns)
    return replace(
        report,
        title=title,
        grid=grid,
        verdict=_verdict(verdicts, broken),
        groups=[
            _group(g, columns) for g in report.groups if not set(columns).isdisjoint(g.columns)
        ],
        disagreements=groups.disagreements(grid) if len(grid.columns) > 1 else (),
        differences=[d for d in report.differences if not set(columns).isdisjoint(d.values)],
        not_run=_of(report.not_run, columns),
        skipped=_of(report.skipped, columns),
        flaky=_of(report.flaky, columns),
        slowest=groups.slowest(grid),
        drift=[d for d in report.drift if d.column in columns],
        events=[e for e in report.events if e.column in columns],
        killed=(),
        damage=(),
    )


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """Join judgements: one failure is enough, and one that ran is more than one that could not."""
    found = set(judgements)
    order = (Judgement.FAILURE, Judgement.SUCCESS, Judgement.NEUTRAL)
    return next((one for one in order if one in found), Judgement.FAILURE)


def _grid(grid: Grid, columns: Collection[str]) -> Grid:
    kept = [name for name in grid.columns if name in columns]
    return Grid(
        columns=kept,
        keys=grid.keys,
        lines=grid.lines,
        states={name: grid.states[name] for name in kept},
        seconds={name: grid.seconds[name] for name in kept},
        details={place: d for place, d in grid.details.items() if place[1] in columns},
    )


def _verdict(columns: list[ColumnVerdict], broken: str) -> Verdict:
    """Judge by what decided: of several columns, those with the judgement of the whole say why."""
    judgement = worst(column.judgement for column in columns)
    if broken and judgement is not Judgement.FAILURE:
        reason = f"{broken}, and no result says why"
        return Verdict(Judgement.FAILURE, reason, tuple(columns), ExitCode.RED)
    reasons = [c for c in columns if c.judgement is judgement] or columns
    if len(columns) == 1:
        reason = columns[0].reason
    else:
        reason = "; ".join(f"{c.column or '(no backend)'}: {c.reason}" for c in reasons)
    code = ExitCode.RED if judgement is Judgement.FAILURE else ExitCode.GREEN
    return Verdict(judgement, reason or "no such column", tuple(columns), code)


def _group(group: Group, columns: Collection[str]) -> Group:
    details = tuple(_of(group.details, columns))
    seen = tuple(name for name in group.columns if name in columns)
    return replace(group, details=details, columns=seen)


def _of(details: Iterable[Detail], columns: Collection[str]) -> list[Detail]:
    return [detail for detail in details if detail.column in columns]
