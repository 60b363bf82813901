"""Fill a grid from record lines, session by session, oldest first.

Of sessions that replace each other, the newest that planned or reported a cell says what the cell
is. What an older CI attempt said about it becomes earlier attempts of the same cell, so that a
failure which went away is flaky, not forgotten. Of sessions that do not (see `rivals`), the worst
stands. A cell that only an older session knows keeps what that session said.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.records import Attempt, Outcome
from pytest_metaflow_backends.report import text
from pytest_metaflow_backends.report.decode import (
    STATES,
    column_name,
    detail_from,
    line_of,
    seconds_of,
)
from pytest_metaflow_backends.report.model import Detail, Grid, State
from pytest_metaflow_backends.report.rivals import BADNESS, Standing, worst
from pytest_metaflow_backends.report.source import MalformedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from pytest_metaflow_backends.records import Session

PLANNED, REPORTED = 1, 2  # what this session said about a cell; 0 = nothing
CELLS = 50_000_000  # of a grid; each takes 14 bytes


class GridFiller:
    """Holds the grid while it grows; `begin` opens a session, `end` settles what it left open."""

    def __init__(self, columns: Iterable[str]) -> None:
        self.grid = Grid()
        self.running: set[str] = set()  # node ids that began and did not end yet
        self.reported = 0  # results of this session
        self.reds = 0  # of these, red ones
        self._rows: dict[str, int] = {}
        self._columns: dict[tuple[Any, Any], str] = {}
        self._marks: defaultdict[str, bytearray] = defaultdict(bytearray)
        self._earlier: dict[tuple[str, str], Detail] = {}
        self._keep_earlier = False
        self._number = -1  # of this session
        self._replaced: AbstractSet[int] = frozenset()
        self._writers: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
        self._rivals: dict[tuple[str, str], list[Standing]] = {}  # none of them stands
        self._contested: dict[tuple[str, str], int] = {}  # of these, this session's -> row
        for column in columns:
            self.grid.add_column(column)

    def begin(self, session: Session, replaced: AbstractSet[int] = frozenset()) -> None:
        """Open a session that is not older than the ones before it.

        `replaced` are the numbers, from 0, of those whose word about a cell it makes void.
        """
        self._number += 1
        self._replaced = replaced
        self._marks.clear()
        self.running.clear()
        self.reported = self.reds = 0
        self._keep_earlier = bool(session.ci)

    def end(self) -> None:
        """Let the worst stand wherever older sessions say something that this one cannot undo."""
        for place, row in self._contested.items():
            stands, others = worst([*self._rivals.pop(place), self._lift(row, place)])
            self._put(row, place, stands)
            if others:
                self._rivals[place] = others
        self._contested.clear()

    def columns_seen(self) -> set[str]:
        """Name the columns that this session planned or reported something in."""
        return {column for column, marks in self._marks.items() if marks}

    @property
    def unreported(self) -> int:
        """Count the cells that this session planned and has not reported."""
        return sum(marks.count(PLANNED) for marks in self._marks.values())

    def plan(self, data: dict[str, Any]) -> None:
        """Make every planned cell MISSING until a result of this session says otherwise."""
        column = self.column(data)
        for _nodeid, key in data.get("tests") or ():
            row = self.row(key)
            marks = self._reach(column, row)
            if not marks[row]:
                self._open(row, column)
                marks[row] = PLANNED

    def result(self, data: dict[str, Any]) -> None:
        """Put one result into its cell; raises MalformedError (or KeyError, TypeError)."""
        nodeid, state = data["id"], STATES.get(data["outcome"])
        if state is None:
            raise MalformedError(f"unknown outcome {text.one_line(str(data['outcome']), 40)}")
        column, row = self.column(data), self.row(data["key"])
        detail = None
        if state is not State.PASSED or data.get("attempts"):
            detail = detail_from(data, self.grid.keys[row], column, state)
        elif not isinstance(nodeid, str):
            raise MalformedError("id is no text")
        marks = self._reach(column, row)
        mark = marks[row]
        if not mark:
            self._open(row, column)
        marks[row] = REPORTED
        self.running.discard(nodeid)
        self.reported += 1
        if not self.grid.lines[row]:
            self.grid.lines[row] = line_of(data.get("line"))
        seconds = seconds_of(data.get("seconds"))
        if detail is None and mark != REPORTED and not self._earlier:
            self.grid.states[column][row] = State.PASSED
            self.grid.seconds[column][row] = seconds
            return
        self._settle(
            row, detail or self._clean(row, column, nodeid, seconds), twice=mark == REPORTED
        )

    def _clean(self, row: int, column: str, nodeid: str, seconds: float) -> Detail:
        return Detail(
            self.grid.keys[row], column, State.PASSED, text.identifier(nodeid), seconds=seconds
        )

    def _settle(self, row: int, detail: Detail, *, twice: bool) -> None:
        """Write a cell that is not simply a first clean pass."""
        place = (detail.key, detail.column)
        earlier = self._earlier.pop(place, None)
        if earlier is not None:
            detail = _joined(earlier, detail)
        if detail.state is State.PASSED and _stumbled(detail.attempts):
            detail = replace(detail, state=State.FLAKY)
        self.reds += detail.state.red
        states = self.grid.states[detail.column]
        if twice:
            if BADNESS[State(states[row])] >= BADNESS[detail.state]:
                return
            self.grid.details.pop(place, None)
        states[row] = detail.state
        self.grid.seconds[detail.column][row] = detail.seconds
        if detail.state is not State.PASSED:
            self.grid.details[place] = detail

    def crash(self, nodeid: str, key: str, column: str) -> None:
        """Say that a test was running when its session was killed, unless it has reported."""
        row = self.row(key)
        marks = self._reach(column, row)
        if marks[row] == REPORTED:
            return
        if not marks[row]:
            self._open(row, column)
        marks[row] = REPORTED
        killed = _killed(self.grid.keys[row], column, text.identifier(nodeid))
        self._settle(row, killed, twice=False)

    def lose(self, key: str, column: str) -> None:
        """Say that a test began in a session that ended properly, and never reported."""
        row = self.row(key)
        marks = self._reach(column, row)
        if not marks[row]:
            self._open(row, column)
            marks[row] = PLANNED

    def has_reported(self, key: str, column: str) -> bool:
        """Tell whether this session gave a result for the cell."""
        row = self.row(key)
        return self._reach(column, row)[row] == REPORTED

    def _open(self, row: int, column: str) -> None:
        """Take a cell over from older sessions: it is MISSING until this one reports."""
        states = self.grid.states[column]
        state = states[row]
        if state and state > State.PASSED:  # a plain pass leaves nothing behind
            self._set_aside(row, (self.grid.keys[row], column))
        states[row] = State.MISSING
        self.grid.seconds[column][row] = 0.0
        self._writers[column][row] = self._number

    def _set_aside(self, row: int, place: tuple[str, str]) -> None:
        """Part what older sessions say about a cell: earlier attempts, and rivals."""
        rivals = []
        told = [*self._rivals.pop(place, ()), self._lift(row, place)]
        for one in sorted(told, key=lambda one: one.session):
            if one.session not in self._replaced:
                rivals.append(one)
            elif self._keep_earlier and (trouble := one.trouble):
                known = self._earlier.get(place)
                self._earlier[place] = _joined(known, trouble) if known else trouble
        if rivals:
            self._rivals[place] = rivals
            self._contested[place] = row

    def _lift(self, row: int, place: tuple[str, str]) -> Standing:
        """Take out of the grid what stands in a cell."""
        column = place[1]
        return Standing(
            self._writers[column][row],
            State(self.grid.states[column][row]),
            self.grid.seconds[column][row],
            self.grid.details.pop(place, None),
            self._earlier.pop(place, None),
        )

    def _put(self, row: int, place: tuple[str, str], one: Standing) -> None:
        """Put back what `_lift` took."""
        column = place[1]
        self._writers[column][row] = one.session
        self.grid.states[column][row] = one.state
        self.grid.seconds[column][row] = one.seconds
        if one.detail is not None:
            self.grid.details[place] = one.detail
        if one.earlier is not None:
            self._earlier[place] = one.earlier

    def column(self, data: dict[str, Any]) -> str:
        """Find or add the column of a record; raises MalformedError."""
        place = (data.get("backend"), data.get("variant"))
        name = self._columns.get(place)
        if name is None:
            name = column_name(*place)
            if name not in self.grid.states:
                self._require_room(1, 0)
                self.grid.add_column(name)
            self._columns[place] = name
        return name

    def row(self, key: str) -> int:
        """Find or add the row of a key; raises MalformedError."""
        row = self._rows.get(key)
        return self._new_row(key) if row is None else row

    def _new_row(self, key: object) -> int:
        if not isinstance(key, str):
            raise MalformedError("key is no text")
        name = text.identifier(key)
        row = self._rows.get(name)
        if row is None:
            self._require_room(0, 1)
            row = self._rows[name] = len(self.grid.keys)
            self.grid.keys.append(name)
            self.grid.lines.append(0)
        return row

    def _require_room(self, columns: int, rows: int) -> None:
        """Refuse what would make a grid that no machine holds; records may be anybody's."""
        columns, rows = columns + len(self.grid.columns), rows + len(self.grid.keys)
        if columns * rows > CELLS:
            raise MalformedError(f"the grid would have more than {CELLS} cells")

    def _reach(self, column: str, row: int) -> bytearray:
        """Make the column long enough for the row; give what this session said about its cells."""
        marks = self._marks[column]
        if row >= len(marks):
            if column not in self.grid.states:
                self.grid.add_column(column)
            rows = len(self.grid.keys)
            marks.extend(bytes(rows - len(marks)))
            states, seconds = self.grid.states[column], self.grid.seconds[column]
            states.extend(bytes(rows - len(states)))
            seconds.frombytes(bytes(8 * (rows - len(seconds))))
            writers = self._writers[column]
            writers.frombytes(bytes(writers.itemsize * (rows - len(writers))))
        return marks


def _stumbled(attempts: Sequence[Attempt]) -> bool:
    return any(attempt.outcome is not Outcome.PASSED for attempt in attempts)


def _joined(earlier: Detail, later: Detail) -> Detail:
    """Put the attempts of two sessions in one row, numbered on."""
    first = _attempts(earlier)
    last = max(attempt.n for attempt in first)
    after = tuple(replace(a, n=a.n + last) for a in _attempts(later))
    return replace(later, attempts=first + after)


def _attempts(detail: Detail) -> tuple[Attempt, ...]:
    outcome = "PASSED" if detail.state is State.FLAKY else detail.state.name
    alone = Attempt(n=1, phase="call", outcome=Outcome[outcome], seconds=detail.seconds)
    return detail.attempts or (alone,)


def _killed(key: str, column: str, nodeid: str) -> Detail:
    attempt = Attempt(
        n=1,
        phase="call",
        outcome=Outcome.CRASHED,
        type="SessionKilled",
        message="the session was killed while this test ran",
        fingerprint="session-killed",
    )
    file = nodeid.partition("::")[0]
    return Detail(key, column, State.CRASHED, nodeid, file=file, attempts=(attempt,))
