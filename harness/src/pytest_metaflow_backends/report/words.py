"""How the text reports call things: the same word on the terminal and in Markdown."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pytest_metaflow_backends.report.model import HOST, Detail, Grid, State
from pytest_metaflow_backends.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_metaflow_backends.records import Attempt, TaskRef

# What stands in a cell. Upper case is red, so that it reads without colour.
CELL: Mapping[State, str] = {
    State.ABSENT: "",
    State.PASSED: "pass",
    State.FLAKY: "flaky",
    State.FAILED: "FAIL",
    State.ERROR: "ERROR",
    State.CRASHED: "CRASH",
    State.TIMEOUT: "TIMEOUT",
    State.XPASSED: "XPASS",
    State.XFAILED: "xfail",
    State.SKIPPED: "skip",
    State.NOT_RUN: "not run",
    State.MISSING: "MISSING",
}
UNREMARKABLE = frozenset({State.ABSENT, State.PASSED, State.SKIPPED, State.XFAILED})
MINUTE, HOUR = 60, 3600
TASKS = 2  # failed tasks of a test whose output is shown


def column(name: str) -> str:
    """Name a column for people."""
    return "(no backend)" if name == HOST else name


def beside(name: str) -> str:
    """Name a column in parentheses, behind something else."""
    return column(name) if name == HOST else f"({name})"


def duration(seconds: float) -> str:
    """Say a duration in three digits or so: `0.42 s`, `3 min 5 s`, `2 h 7 min`."""
    if seconds < MINUTE:
        return f"{seconds:.2f} s" if seconds < MINUTE / 6 else f"{seconds:.0f} s"
    whole = round(seconds)
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"


def place(detail: Detail) -> str:
    """Say where the test, or its failing line, is: `file:line`."""
    file = detail.file or file_of(detail.key)
    return f"{file}:{detail.line}" if detail.line else file


def file_of(key: str) -> str:
    """Give the file part of a row's key."""
    return key.partition("::")[0]


def test_of(key: str) -> str:
    """Give the rest of a row's key; a key without a file is its own name."""
    return key.partition("::")[2] or key


def last_failure(detail: Detail) -> Attempt | None:
    """Find the last attempt that did not pass."""
    failed = [a for a in detail.attempts if a.outcome.value != "passed"]
    return failed[-1] if failed else None


def failed_tasks(detail: Detail) -> Iterator[TaskRef]:
    """Yield the Metaflow tasks that a person wants to look at."""
    for run in detail.runs:
        yield from (task for task in run.tasks if task.status != "succeeded")


def tails(detail: Detail) -> Iterator[tuple[TaskRef, str, str]]:
    """Yield what the first failed tasks wrote last: task, `stderr` or `stdout`, text."""
    for task in islice(failed_tasks(detail), TASKS):
        for name, tail in (("stderr", task.stderr), ("stdout", task.stdout)):
            if tail.strip():
                yield task, name, tail


def identity(task: TaskRef) -> str:
    """Say which task it was and what its backend calls it: `Flow/7/join/3 (pod=a, node=b)`."""
    native = ", ".join(f"{name}={value}" for name, value in task.native.items())
    return f"{task.pathspec} ({native})" if native else task.pathspec


def by_reason(details: Iterable[Detail]) -> list[tuple[str, str, list[Detail]]]:
    """Put together what did not run in one column for one reason: column, reason, tests."""
    found: dict[tuple[str, str], list[Detail]] = {}
    for detail in details:
        reason = one_line(detail.message or detail.skip_reason) or "no reason given"
        found.setdefault((detail.column, reason), []).append(detail)
    return [(name, reason, members) for (name, reason), members in found.items()]


def some(details: Sequence[Detail], count: int = 3) -> str:
    """Name the first tests of several."""
    named = ", ".join(test_of(detail.key) for detail in details[:count])
    left = len(details) - count
    return f"{named} and {left} more" if left > 0 else named


def ends(grid: Grid, row: int) -> str:
    """Say who came to which end, red ones first: `FAIL on k8s; pass on local, nomad`."""
    ends: dict[State, list[str]] = {}
    for name, state in grid.cells(row):
        if state.executed:
            ends.setdefault(state, []).append(column(name))
    ordered = sorted(ends, key=lambda state: (not state.red, state))
    return "; ".join(f"{CELL[state]} on {', '.join(ends[state])}" for state in ordered)


def interesting(grid: Grid, limit: int) -> list[int]:
    """Give the rows with anything but passes, skips and expected failures, the first `limit`."""
    found: set[int] = set()
    for name in grid.columns:
        cells = grid.states[name]
        for state in State:
            if state not in UNREMARKABLE:
                found.update(_first_rows(cells, state, limit))
    return sorted(found)[:limit]


def _first_rows(cells: bytearray, state: State, limit: int) -> Iterator[int]:
    row = -1
    while limit > 0 and (row := cells.find(state, row + 1)) >= 0:
        limit -= 1
        yield row


def by_file(grid: Grid) -> dict[str, dict[State, int]]:
    """Count the cells of every file by state, files in the order of the grid."""
    members: dict[str, list[int]] = {}
    for row, key in enumerate(grid.keys):
        members.setdefault(file_of(key), []).append(row)
    return {file: _counts(grid, rows) for file, rows in members.items()}


def _counts(grid: Grid, rows: list[int]) -> dict[State, int]:
    raw = bytearray()
    for name in grid.columns:
        cells = grid.states[name]
        known = len(cells)
        raw += bytes(cells[row] for row in rows if row < known)
    return {state: n for state in State if state and (n := raw.count(state))}
