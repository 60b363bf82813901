"""Put what was not clean in the order in which people read it; every order is deterministic."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from pytest_metaflow_backends.report import text
from pytest_metaflow_backends.report.model import Detail, Grid, Group, State

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

SLOWEST = 10
NOT_IN_GROUPS = frozenset({State.MISSING})  # has no message: listed under "not run"


def failures(
    details: Iterable[Detail], columns: list[str], expired: Collection[tuple[str, str]] = ()
) -> list[Group]:
    """Group red cells by fingerprint; `expired` cells count as red.

    The most frequent come first, of equals those whose first test does.
    """
    found: dict[str, list[Detail]] = {}
    for detail in details:
        red = detail.state.red and detail.state not in NOT_IN_GROUPS
        if red or (detail.key, detail.column) in expired:
            found.setdefault(detail.fingerprint, []).append(detail)
    place = {column: number for number, column in enumerate(columns)}
    groups = [_group(name, members, place) for name, members in found.items()]
    return sorted(groups, key=lambda g: (-len(g.details), *_order(g.details[0], place)))


def _order(detail: Detail, place: Mapping[str, int]) -> tuple[int, str]:
    return place.get(detail.column, -1), detail.key


def _group(fingerprint: str, members: list[Detail], place: Mapping[str, int]) -> Group:
    ordered = sorted(members, key=lambda d: _order(d, place))
    seen = tuple(dict.fromkeys(d.column for d in ordered))
    return Group(fingerprint, _title(ordered[0]), tuple(ordered), seen)


def _title(detail: Detail) -> str:
    """Name exception and first line; an exception's name is not said twice."""
    failed = [a for a in detail.attempts if a.outcome.value != "passed"]
    kind = failed[-1].type if failed else ""
    first = next((line for line in detail.message.splitlines() if line.strip()), "")
    if detail.state is State.XPASSED:
        kind, first = "", f"passes although {detail.owner or 'the matrix'} expects it to fail"
    if not first:
        return text.one_line(kind or detail.state.name.lower())
    short = kind.rpartition(".")[2]
    said = first.startswith(short) or not short
    return text.one_line(first if said else f"{short}: {first}")


def disagreements(grid: Grid) -> list[int]:
    """Find the rows on which columns that executed the test come to different ends."""
    suspects = {d.key for d in grid.details.values() if d.state.red and d.state.executed}
    return [
        row
        for row, key in enumerate(grid.keys)
        if key in suspects and len(set(_ends(grid, row))) > 1
    ]


def _ends(grid: Grid, row: int) -> Iterator[bool]:
    for _, state in grid.cells(row):
        if state.executed:
            yield state.red


def ordered(details: Iterable[Detail], columns: list[str], *states: State) -> list[Detail]:
    """Pick the details in these states, by column and then by name."""
    place = {column: number for number, column in enumerate(columns)}
    chosen = [d for d in details if d.state in states]
    return sorted(chosen, key=lambda d: (place.get(d.column, -1), d.key))


def slowest(grid: Grid, count: int = SLOWEST) -> list[tuple[str, str, float]]:
    """List the slowest cells as (key, column, seconds)."""
    tops = heapq.nsmallest(count, (top for c in grid.columns for top in _tops(grid, c, count)))
    return [(key, column, -negative) for negative, key, column in tops]


def _tops(grid: Grid, column: str, count: int) -> Iterator[tuple[float, str, str]]:
    seconds, states = grid.seconds[column], grid.states[column]
    executed = (row for row in range(len(seconds)) if State(states[row]).executed)
    for row in heapq.nlargest(count, executed, key=seconds.__getitem__):
        if seconds[row] > 0:
            yield -seconds[row], grid.keys[row], column
