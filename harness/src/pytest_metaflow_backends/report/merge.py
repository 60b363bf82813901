"""Read a folder of records into one grid and the facts that the verdict is made of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import ExitCode
from pytest_metaflow_backends.records import Drift, Outcome
from pytest_metaflow_backends.report import text
from pytest_metaflow_backends.report.decode import (
    column_name,
    decoded,
    event_from,
    snapshot_from,
)
from pytest_metaflow_backends.report.filler import GridFiller
from pytest_metaflow_backends.report.health import Health, HealthLog
from pytest_metaflow_backends.report.model import HOST, Detail, Difference, Grid, State
from pytest_metaflow_backends.report.source import (
    Source,
    discover,
    identity,
    kin,
    supersedes,
    takes_over,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_metaflow_backends.records import BackendEvent, Session, Snapshot

    Passed = Iterable[tuple[str, str]]  # (key, column)
    Compare = Callable[[Iterable[Snapshot], Passed], Sequence[Difference]]

NAMED = 10_000  # tests that never reported which get a detail of their own; all are counted
DAMAGE = 100  # damaged lines that are named; all count


@dataclass(frozen=True)
class SessionEnd:
    """How one session ended, as far as it matters for the verdict."""

    session: Session
    columns: frozenset[str]  # asked for, planned or reported
    finished: bool
    exitstatus: int = 0
    reason: str = ""
    unexplained: bool = False  # it ended red and no result of it is red
    lost: int = 0  # results it counted at its end that are neither here nor known to be missing
    damage: tuple[str, ...] = ()

    @property
    def quiet(self) -> bool:
        """True if there is nothing to say about it that its cells do not say."""
        return self.finished and not (self.unexplained or self.lost or self.damage)


@dataclass(frozen=True)
class Merged:
    """Everything the records say, before anything is judged."""

    grid: Grid
    ends: tuple[SessionEnd, ...] = ()  # of sessions that no later attempt replaces
    sessions: tuple[Session, ...] = ()
    health: Mapping[str, Health] = field(default_factory=dict)  # by column
    events: tuple[BackendEvent, ...] = ()
    drift: tuple[Drift, ...] = ()
    differences: tuple[Difference, ...] = ()
    unreported: tuple[Detail, ...] = ()  # MISSING cells, the first NAMED of them
    killed: tuple[str, ...] = ()
    damage: tuple[str, ...] = ()  # of files that belong to no session


def merge(
    where: Path | Iterable[Path], *, expected: Iterable[str] = (), compare: Compare | None = None
) -> Merged:
    """Read all `*.jsonl` below a folder (or the files given), one line at a time.

    `expected` gives the order of the columns; others follow as they appear, the column of tests
    without a backend last. A damaged line is named and passed over; it makes the verdict red
    unless a later attempt of the same CI job replaces its session.
    """
    sources = discover(where)
    merger = _Merger(GridFiller(expected))
    ends = [merger.read(source) for source in sources.sessions]
    grid = merger.filler.grid
    grid.columns.sort(key=lambda name: name == HOST)
    taken = merger.snapshots
    passed = set(_passed(grid, {key for key, _, _ in taken}))
    # Of a failure, expected or not, the cell says enough; what it left must not be compared.
    snapshots = [taken[place] for place in taken if place[:2] in passed]
    return Merged(
        grid=grid,
        ends=tuple(_current(ends)),
        sessions=tuple(source.session for source in sources.sessions),
        health=merger.health.columns,
        events=tuple(merger.health.events),
        drift=tuple(merger.drift.values()),
        differences=tuple(compare(snapshots, sorted(passed))) if compare and snapshots else (),
        unreported=tuple(_unreported(grid, sources.sessions)),
        killed=tuple(merger.killed),
        damage=sources.damage,
    )


def _passed(grid: Grid, keys: set[str]) -> Iterator[tuple[str, str]]:
    """Yield (key, column) of tests that passed: each of them should have left its snapshots."""
    for row, key in enumerate(grid.keys):
        if key in keys:
            for column, state in grid.cells(row):
                if state in {State.PASSED, State.FLAKY}:
                    yield key, column


def _current(ends: Sequence[SessionEnd]) -> Iterator[SessionEnd]:
    """Leave out sessions of which a later attempt came to its end."""
    finished: dict[Hashable, list[Session]] = {}
    for end in ends:
        if end.finished:
            finished.setdefault(identity(end.session), []).append(end.session)
    for end in ends:
        rivals = finished.get(identity(end.session), ())
        if not any(supersedes(session, end.session) for session in rivals):
            yield end


class _Merger:
    """Dispatches lines; what a session means is settled when all its files are read."""

    def __init__(self, filler: GridFiller) -> None:
        self.filler = filler
        self.health = HealthLog()
        self.snapshots: dict[tuple[str, str, str], Snapshot] = {}
        self.drift: dict[tuple[str, str, str], Drift] = {}
        self.killed: list[str] = []
        self._sessions: dict[Hashable, list[tuple[int, Session]]] = {}
        self._count = 0
        self._damage: list[str] = []
        self._finish: dict[str, Any] | None = None
        self._kinds: dict[str, Callable[[dict[str, Any]], None]] = {
            "result": filler.result,
            "running": self._running,
            "plan": filler.plan,
            "backend": lambda data: self.health.add(event_from(data)),
            "snapshot": self._snapshot,
            "drift": self._drift,
            "finish": self._finished,
            "session": lambda _data: None,
            "part": lambda _data: None,
        }

    def read(self, source: Source) -> SessionEnd:
        """Read one session; sessions come oldest first."""
        session = source.session
        kindred = self._sessions.setdefault(kin(session), [])
        replaced = {number for number, one in kindred if takes_over(session, one)}
        kindred.append((self._count, session))
        self._count += 1
        self.filler.begin(session, replaced)
        self.health.begin(replaced)
        self._damage, self._finish = [], None
        for path in source.files:
            self._read_file(path)
            self.health.end_file()
        self.health.end()
        self._settle_running(source)
        self.filler.end()
        return self._end(session)

    def _read_file(self, path: Path) -> None:
        for data in decoded(path, self._damage.append):
            self._take(path, data)

    def _take(self, path: Path, data: dict[str, Any]) -> None:
        try:
            self._kinds[data["kind"]](data)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            kind = text.one_line(str(data.get("kind")), 40)
            said = text.one_line(f"{type(error).__name__}: {error}")
            self._damage.append(f"{path.name}: a {kind} that cannot be read: {said}")

    def _running(self, data: dict[str, Any]) -> None:
        self.filler.running.add(data["id"])

    def _finished(self, data: dict[str, Any]) -> None:
        self._finish = data

    def _snapshot(self, data: dict[str, Any]) -> None:
        snapshot = snapshot_from(data)
        column = column_name(snapshot.backend, snapshot.variant)
        self.snapshots[snapshot.key, column, snapshot.name] = snapshot

    def _drift(self, data: dict[str, Any]) -> None:
        column = column_name(data["backend"], data.get("variant"))
        drift = Drift(
            key=text.identifier(data["key"]),
            backend=data["backend"],
            capability=text.identifier(data["capability"], 80),
            variant=data.get("variant") or None,
        )
        self.drift[drift.key, column, drift.capability] = drift

    def _settle_running(self, source: Source) -> None:
        """Find the cells of tests that began and did not end; name them if a kill was why."""
        if not self.filler.running:
            return
        places = dict(_places(source.files, self.filler.running))
        alone = source.session.columns[0] if len(source.session.columns) == 1 else HOST
        for nodeid in sorted(self.filler.running):
            key, column = places.get(nodeid, (nodeid, alone))
            if self.filler.has_reported(key, column):
                continue
            if self._finish is not None:
                self.filler.lose(key, column)
            else:
                self.killed.append(text.identifier(nodeid))
                self.filler.crash(nodeid, key, column)

    def _end(self, session: Session) -> SessionEnd:
        finish = self._finish or {}
        status = finish.get("exitstatus", 0)
        status = status if type(status) is int else -1
        return SessionEnd(
            session=session,
            columns=frozenset({*session.columns, *self.filler.columns_seen(), *self.health.seen}),
            finished=self._finish is not None,
            exitstatus=status,
            reason=text.one_line(str(finish.get("reason", ""))),
            unexplained=status == ExitCode.RED and not self.filler.reds,
            lost=max(0, _counted(finish.get("counts")) - self._accounted()),
            damage=tuple(self._damage[:DAMAGE]),
        )

    def _accounted(self) -> int:
        return self.filler.reported + self.filler.unreported


def _counted(counts: object) -> int:
    """Add up the results that a finish line counts; other things may be counted there too."""
    if not isinstance(counts, dict):
        return 0
    names = {outcome.value for outcome in Outcome}
    return sum(n for name, n in counts.items() if name in names and type(n) is int and n > 0)


def _places(files: Iterable[Path], nodeids: set[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    for nodeid, key, column in _planned(files):
        if nodeid in nodeids:
            yield nodeid, (key, column)


def _planned(files: Iterable[Path]) -> Iterator[tuple[str, str, str]]:
    """Yield (node id, key, column) of all plans once more; damaged lines were told before."""
    for path in files:
        with path.open("rb") as stream:
            for raw in stream:
                if b'"plan"' in raw:
                    yield from _plan_line(raw)


def _plan_line(raw: bytes) -> Iterator[tuple[str, str, str]]:
    try:
        data = json.loads(raw)
        if data["kind"] == "plan":
            column = column_name(data.get("backend"), data.get("variant"))
            yield from ((str(nodeid), str(key), column) for nodeid, key in data["tests"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return  # told as damage when it was read first


def _unreported(grid: Grid, sources: Sequence[Source]) -> Iterator[Detail]:
    """Describe the cells that were planned and never reported, the first NAMED of them."""
    wanted = dict(_missing(grid))
    if not wanted:
        return
    files = (path for source in sources for path in source.files)
    for nodeid, key, column in _planned(files):
        place = (text.identifier(key), column)
        if place in wanted:
            wanted[place] = text.identifier(nodeid)
    for (key, column), nodeid in wanted.items():
        yield Detail(
            key,
            column,
            State.MISSING,
            nodeid,
            file=key.partition("::")[0],
            skip_reason="planned and never reported",
        )


def _missing(grid: Grid) -> Iterator[tuple[tuple[str, str], str]]:
    left = NAMED
    for column in grid.columns:
        cells, row = grid.states[column], -1
        while left and (row := cells.find(State.MISSING, row + 1)) >= 0:
            left -= 1
            yield (grid.keys[row], column), grid.keys[row]
