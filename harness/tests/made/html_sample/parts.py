"""The parts of a report: a grid of passes, a cell, a group, a verdict."""

from __future__ import annotations

from array import array
from hashlib import sha256
from typing import TYPE_CHECKING

from pytest_metaflow_backends.records import Attempt, Cause, Outcome
from pytest_metaflow_backends.report.model import (
    ColumnVerdict,
    Detail,
    Grid,
    Group,
    Judgement,
    Report,
    State,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

TRACEBACK = """\
    def test_foreach(mf_flow):
        outcome = mf_flow("flows/foreach.py")
>       assert outcome.successful, outcome.explain()
E       AssertionError: run ForeachFlow/1714 failed in step `square`, task 2 of 3
E         ImagePullBackOff: Back-off pulling image "mf-test:dev"
E       assert False
E        +  where False = Outcome(pathspec='ForeachFlow/1714', successful=False).successful

conformance/test_graph.py:41: AssertionError
----------------------------- Captured stdout call -----------------------------
2026-11-24 09:14:02.118 Workflow starting (run-id 1714):
2026-11-24 09:14:03.902 [1714/start/1 (pid 4711)] Task is starting.
2026-11-24 09:14:09.220 [1714/square/3 (pod t-7f3c)] Task is starting (Pod is pending)...
"""


def attempt(
    n: int,
    outcome: Outcome = Outcome.FAILED,
    cause: Cause = Cause.TEST,
    message: str = "assert 1 == 2",
    details: str = TRACEBACK,
) -> Attempt:
    passed = outcome is Outcome.PASSED
    return Attempt(
        n=n,
        phase="call",
        outcome=outcome,
        seconds=3.2 * n,
        type="" if passed else "AssertionError",
        message="" if passed else message,
        fingerprint="" if passed else sha256(message.encode("utf-8", "replace")).hexdigest()[:12],
        cause=cause,
        details="" if passed else details,
    )


def empty_grid(columns: Sequence[str], keys: Sequence[str]) -> Grid:
    """Give a grid in which everything passed."""
    rows = len(keys)
    return Grid(
        columns=list(columns),
        keys=list(keys),
        lines=array("I", [10 + 17 * row % 300 for row in range(rows)]),
        states={column: bytearray([State.PASSED.value]) * rows for column in columns},
        seconds={
            column: array("d", [0.05 + (row * 37 + place * 11) % 97 / 9 for row in range(rows)])
            for place, column in enumerate(columns)
        },
    )


def detail_of(key: str, column: str, state: State = State.FAILED, **more: object) -> Detail:
    return Detail(
        key=key,
        column=column,
        state=state,
        nodeid=f"{key}[{column}]",
        file=key.partition("::")[0],
        line=41,
        **more,  # type: ignore[arg-type]
    )


def put(grid: Grid, detail: Detail) -> Detail:
    """Replace one cell of the grid."""
    grid.states[detail.column][grid.keys.index(detail.key)] = detail.state.value
    grid.details[detail.key, detail.column] = detail
    return detail


def group_of(title: str, details: Sequence[Detail]) -> Group:
    columns = tuple(dict.fromkeys(detail.column for detail in details))
    return Group(details[0].fingerprint, title, tuple(details), columns)


def verdict_of(grid: Grid, **columns: ColumnVerdict) -> Verdict:
    made = tuple(columns.get(name) or column_verdict(grid, name) for name in grid.columns)
    red = [c.column for c in made if c.judgement is Judgement.FAILURE]
    if red:
        reason = f"{len(red)} of {len(made)} columns are red: {', '.join(red)}"
        return Verdict(Judgement.FAILURE, reason, made, 1)
    return Verdict(Judgement.SUCCESS, "every planned test passed", made, 0)


def column_verdict(
    grid: Grid,
    column: str,
    reason: str = "",
    provider: str = "embedded",
    *,
    required: bool = True,
    neutral: bool = False,
) -> ColumnVerdict:
    cells = grid.states[column]
    counts = {state: cells.count(state.value) for state in State if state.value}
    reds = sum(count for state, count in counts.items() if state.red)
    judgement = Judgement.FAILURE if reds else Judgement.SUCCESS
    return ColumnVerdict(
        column=column,
        judgement=Judgement.NEUTRAL if neutral else judgement,
        reason=reason or (f"{reds} failed" if reds else "all passed"),
        required=required,
        counts=counts,
        seconds=float(sum(grid.seconds[column])),
        provider=provider,
        versions={column.partition("/")[0]: "1.9.3"},
    )


def report_of(grid: Grid, **more: object) -> Report:
    """Give a report of this grid; its failures are one group each unless given."""
    red = [detail for detail in grid.details.values() if detail.state.red]
    groups = [group_of(detail.message, [detail]) for detail in red]
    return Report(grid=grid, verdict=verdict_of(grid), **{"groups": groups, **more})  # type: ignore[arg-type]
