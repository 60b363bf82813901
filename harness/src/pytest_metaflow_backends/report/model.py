"""What all reports are drawn from: the grid, the verdict, and the details of what was not clean.

A million clean results must fit in little memory, so the grid keeps one byte per cell and the
details only of cells that did not simply pass.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_metaflow_backends.records import (
        Attempt,
        BackendEvent,
        Cause,
        Drift,
        RunRef,
        Session,
        SkipKind,
    )


class State(int, Enum):
    """What a cell of the grid says; FLAKY is a pass that took more than one attempt."""

    ABSENT = 0  # this test was not planned in this column
    PASSED = 1
    FLAKY = 2
    FAILED = 3
    ERROR = 4
    CRASHED = 5
    TIMEOUT = 6
    XPASSED = 7
    XFAILED = 8
    SKIPPED = 9
    NOT_RUN = 10  # planned, its backend unavailable or broken
    MISSING = 11  # planned and never reported

    @property
    def red(self) -> bool:
        """True if a cell like this makes the verdict red by itself."""
        return self in _RED

    @property
    def executed(self) -> bool:
        """True if the test's own code ran to some end."""
        return self in _EXECUTED


_RED = frozenset(
    {State.FAILED, State.ERROR, State.CRASHED, State.TIMEOUT, State.XPASSED, State.MISSING}
)
_EXECUTED = frozenset(
    {
        State.PASSED,
        State.FLAKY,
        State.FAILED,
        State.ERROR,
        State.CRASHED,
        State.TIMEOUT,
        State.XPASSED,
        State.XFAILED,
    }
)

HOST = ""  # the column of tests that use no backend; shown as "(no backend)"


@dataclass(frozen=True)
class Detail:
    """Everything about one cell that did not simply pass."""

    key: str
    column: str
    state: State
    nodeid: str
    file: str = ""
    line: int = 0
    seconds: float = 0.0
    cause: Cause | None = None
    attempts: tuple[Attempt, ...] = ()
    skip_kind: SkipKind | None = None
    skip_reason: str = ""
    runs: tuple[RunRef, ...] = ()
    worker: str = ""
    owner: str = ""

    @property
    def fingerprint(self) -> str:
        """Name the failure: equal for failures that have the same reason."""
        failed = [a.fingerprint for a in self.attempts if a.fingerprint]
        return failed[-1] if failed else self.state.name.lower()

    @property
    def message(self) -> str:
        """Say in a line what went wrong in the last attempt that did not pass."""
        failed = [a for a in self.attempts if a.outcome.value not in {"passed", "rerun"}]
        return failed[-1].message if failed else self.skip_reason


@dataclass
class Grid:
    """Tests by columns, filled while the records are read (mutable on purpose: built once)."""

    columns: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # row number -> key
    lines: array[int] = field(default_factory=lambda: array("I"))  # row number -> source line
    states: dict[str, bytearray] = field(default_factory=dict)  # column -> row number -> State
    seconds: dict[str, array[float]] = field(default_factory=dict)  # column -> row number
    details: dict[tuple[str, str], Detail] = field(default_factory=dict)  # (key, column)

    def add_column(self, name: str) -> None:
        """Append a column without cells."""
        self.columns.append(name)
        self.states[name] = bytearray()
        self.seconds[name] = array("d")

    def state(self, row: int, column: str) -> State:
        """Look up one cell; a row that a column has not reached is ABSENT."""
        cells = self.states[column]
        return State(cells[row]) if row < len(cells) else State.ABSENT

    def cells(self, row: int) -> Iterator[tuple[str, State]]:
        """Yield (column, state) of one row, in the order of the columns."""
        for column in self.columns:
            yield column, self.state(row, column)

    def planned(self) -> list[int]:
        """List the rows that any column has; in a part of a report that is not every row."""
        union = 0  # as one large number: a million rows must not be gone through one by one
        for column in self.columns:
            union |= int.from_bytes(self.states[column], "little")
        return [row for row, cell in enumerate(union.to_bytes(len(self.keys), "little")) if cell]


class Judgement(str, Enum):
    """What one column, or everything together, comes to."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"  # an optional backend that was not available; never said of the whole


@dataclass(frozen=True)
class ColumnVerdict:
    """One column's judgement with its reason in a line, e.g. `incomplete: 3 not reported`."""

    column: str
    judgement: Judgement
    reason: str
    required: bool
    counts: Mapping[State, int] = field(default_factory=dict)
    seconds: float = 0.0  # sum over its tests
    provider: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    logs: str = ""


@dataclass(frozen=True)
class Verdict:
    """The one answer. `exit_code` is what a command ends with (errors.ExitCode)."""

    judgement: Judgement
    reason: str
    columns: tuple[ColumnVerdict, ...]
    exit_code: int


@dataclass(frozen=True)
class Difference:
    """Two columns disagree about what one run left behind."""

    key: str
    name: str
    field: str  # e.g. "steps/join/0/artifacts/total"
    values: Mapping[str, str]  # column -> value, as text
    row: str = ""


@dataclass(frozen=True)
class Group:
    """Failures that share a fingerprint, e.g. "14 tests, k8s only: ImagePullBackOff"."""

    fingerprint: str
    title: str  # exception and first line
    details: tuple[Detail, ...]
    columns: tuple[str, ...]

    @property
    def headline(self) -> str:
        """Say how many, where and why: `14 tests, k8s only: ImagePullBackOff`."""
        tests = len({detail.key for detail in self.details})
        where = ", ".join(column or "(no backend)" for column in self.columns)
        only = " only" if len(self.columns) == 1 else ""
        return f"{tests} {'test' if tests == 1 else 'tests'}, {where}{only}: {self.title}"


@dataclass(frozen=True)
class Report:
    """Everything a renderer needs; renderers are pure functions of this."""

    grid: Grid
    verdict: Verdict
    groups: Sequence[Group] = ()  # failures, most frequent first
    disagreements: Sequence[int] = ()  # rows on which columns that executed disagree
    differences: Sequence[Difference] = ()
    not_run: Sequence[Detail] = ()
    skipped: Sequence[Detail] = ()
    flaky: Sequence[Detail] = ()
    slowest: Sequence[tuple[str, str, float]] = ()  # key, column, seconds
    drift: Sequence[Drift] = ()
    sessions: Sequence[Session] = ()
    events: Sequence[BackendEvent] = ()
    killed: Sequence[str] = ()  # node ids that were running when their session was killed
    title: str = "Backend matrix"
    extra: Mapping[str, Any] = field(default_factory=dict)
    damage: Sequence[str] = ()  # record files and lines that could not be believed

    def reproduce(self, detail: Detail) -> str:
        """Give the line to copy that runs one cell again."""
        quote = "'\"'\"'"  # a quotation mark in a test's name must not end ours
        name = "'" + detail.nodeid.replace("'", quote) + "'"
        if not detail.column:
            return f"pytest {name}"
        return f"pytest --metaflow-backend={detail.column} {name}"
