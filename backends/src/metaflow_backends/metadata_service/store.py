"""What the service keeps, in one SQLite file that many threads write."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from metaflow_backends.metadata_service.schema import (
    ARTIFACT,
    DATUM,
    KEYS,
    KINDS,
    TABLES,
    as_json,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

BUSY = 30.0  # seconds a writer waits for others

Object = dict[str, Any]


class Missing(LookupError):  # noqa: N818 - an answer, not a fault
    """There is no such object."""


class Conflict(Exception):  # noqa: N818 - an answer, not a fault
    """There is such an object already, or somebody changed it meanwhile."""


class Store:
    """Objects of flows by path: (flow), (flow, run), (flow, run, step), (flow, run, step, task)."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        with self._writing() as connection:
            connection.executescript(TABLES)

    def get(self, *path: str) -> Object:
        """Give the object at a path. Raises Missing."""
        return self._tagged(path, self._one(KINDS[len(path) - 1], path))

    def children(self, *path: str) -> list[Object]:
        """List what is directly below a path, the newest first. Raises Missing for the path."""
        if path:
            self.get(*path)
        found = self._all(KINDS[len(path)], path, "ORDER BY ts_epoch DESC, rowid DESC")
        return [self._tagged((*path, str(o[KEYS[len(path)]])), o) for o in found]

    def create(self, path: Sequence[str], name: str | None, body: Mapping[str, Any]) -> Object:
        """Make an object below `path`; without a name one is minted, a number as text.

        Raises Missing if there is nothing at `path`, Conflict if there is such an object.
        """
        if path:
            self._one(KINDS[len(path) - 1], path)
        with self._writing() as connection:
            own = name if name is not None else _mint(connection, KINDS[len(path)])
            values = {**dict(zip(KEYS, (*path, own), strict=False)), **_common(body)}
            if KINDS[len(path)] in {"runs", "tasks"}:
                values["last_heartbeat_ts"] = None
            try:
                _insert(connection, KINDS[len(path)], values)
            except sqlite3.IntegrityError:
                raise Conflict(f"{'/'.join((*path, own))} exists already") from None
        return self.get(*path, own)

    def beat(self, *path: str) -> None:
        """Note that a run or task is alive. Raises Missing."""
        where, values = _where(path)
        with self._writing() as connection:
            done = connection.execute(
                f"UPDATE {KINDS[len(path) - 1]} SET last_heartbeat_ts = ? WHERE {where}",  # noqa: S608 - names of ours
                [int(time.time()), *values],
            )
        if done.rowcount == 0:
            raise Missing("/".join(path))

    def mutate_tags(
        self, flow: str, run: str, add: Sequence[str], remove: Sequence[str]
    ) -> list[str]:
        """Add and remove tags of a run, and give those it has then.

        Raises Missing; ValueError for a system tag; Conflict if somebody else was quicker.
        """
        row = self._row("runs", (flow, run))
        system = set(json.loads(row["system_tags"]))
        if fixed := sorted(system & set(remove)):
            raise ValueError(f"system tags cannot be removed: {', '.join(fixed)}")
        # A tag that is added and removed at once stays: so does Metaflow's own service.
        before = set(json.loads(row["tags"]))
        tags = sorted((before - set(remove)) | (set(add) - system))
        with self._writing() as connection:
            done = connection.execute(
                "UPDATE runs SET tags = ?, revision = revision + 1"
                " WHERE flow_id = ? AND run_number = ? AND revision = ?",
                [json.dumps(tags), flow, run, row["revision"]],
            )
        if done.rowcount == 0:
            raise Conflict(f"{flow}/{run}: somebody else changed its tags meanwhile")
        return tags

    def add_artifacts(self, path: Sequence[str], artifacts: Sequence[Mapping[str, Any]]) -> None:
        """Note artifacts of a task; noting the same again changes nothing. Raises Missing."""
        self._add("artifacts", path, ARTIFACT, artifacts)

    def artifacts(self, *path: str, attempt: int | None = None) -> list[Object]:
        """List artifacts below a path: those of an attempt, or of each task's newest one."""
        self.get(*path)
        found = self._all("artifacts", path, "ORDER BY name")
        newest: dict[tuple[str, ...], int] = {}
        for one in found:
            task = tuple(one[key] for key in KEYS)
            newest[task] = max(one["attempt_id"], newest.get(task, 0))
        return [
            self._tagged(path, one)
            for one in found
            if one["attempt_id"]
            == (newest[tuple(one[key] for key in KEYS)] if attempt is None else attempt)
        ]

    def add_metadata(self, path: Sequence[str], data: Sequence[Mapping[str, Any]]) -> None:
        """Note metadata of a task. Raises Missing."""
        self._add("metadata", path, DATUM, data)

    def metadata(self, *path: str) -> list[Object]:
        """List all metadata below a path, in the order in which they came. Raises Missing."""
        self.get(*path)
        return self._all("metadata", path, "ORDER BY id")

    def tasks_with(self, path: Sequence[str], field: str | None, pattern: str | None) -> list[str]:
        """List the paths of a step's tasks that have metadata of this name with such a value.

        Raises re.error for a pattern that is none.
        """
        tasks = [str(task["task_id"]) for task in self.children(*path)]
        if field or pattern:
            wanted = re.compile(pattern or "")
            hits = {
                one["task_id"]
                for one in self.metadata(*path)
                if field in {None, one["field_name"]} and wanted.search(str(one["value"]))
            }
            tasks = [task for task in tasks if task in hits]
        return ["/".join((*path, task)) for task in tasks]

    def _add(
        self,
        table: str,
        path: Sequence[str],
        names: Sequence[str],
        rows: Sequence[Mapping[str, Any]],
    ) -> None:
        self._one("tasks", path)
        with self._writing() as connection:
            for row in rows:
                own = {name: row.get(name) for name in names}
                if "value" in own:
                    own["value"] = json.dumps(own["value"])
                values = {**dict(zip(KEYS, path, strict=True)), **own, **_common(row)}
                _insert(connection, table, values, how="INSERT OR REPLACE")

    def _tagged(self, path: Sequence[str], found: Object) -> Object:
        """Give everything inside a run the run's tags: these can be changed."""
        if len(path) > 1:
            run = self._one("runs", path[:2])
            found |= {name: run[name] for name in ("tags", "system_tags")}
        return found

    def _one(self, table: str, path: Sequence[str]) -> Object:
        return as_json(self._row(table, path))

    def _row(self, table: str, path: Sequence[str]) -> sqlite3.Row:
        where, values = _where(path)
        query = f"SELECT * FROM {table} WHERE {where}"  # noqa: S608 - names of ours
        row = self._connection().execute(query, values).fetchone()
        if row is None:
            raise Missing("/".join(path))
        assert isinstance(row, sqlite3.Row)  # noqa: S101 - for the type checker
        return row

    def _all(self, table: str, path: Sequence[str], order: str) -> list[Object]:
        where, values = _where(path)
        query = f"SELECT * FROM {table} WHERE {where} {order}"  # noqa: S608 - names of ours
        return [as_json(row) for row in self._connection().execute(query, values)]

    def _connection(self) -> sqlite3.Connection:
        """Give this thread's own connection."""
        if not hasattr(self._local, "connection"):
            connection = sqlite3.connect(self._path, timeout=BUSY, isolation_level=None)
            connection.row_factory = sqlite3.Row
            # Readers never wait for a writer; nothing has to survive a power cut.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            self._local.connection = connection
        connection = self._local.connection
        assert isinstance(connection, sqlite3.Connection)  # noqa: S101 - for the type checker
        return connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the writer's lock from the start: a reader that becomes a writer would fail."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        if connection.in_transaction:  # a script commits by itself
            connection.execute("COMMIT")


def _where(path: Sequence[str]) -> tuple[str, list[str]]:
    terms = " AND ".join(f"{key} = ?" for key in KEYS[: len(path)])
    return terms or "1", list(path)


def _common(body: Mapping[str, Any]) -> Object:
    return {
        "user_name": body.get("user_name"),
        "ts_epoch": int(body.get("ts_epoch") or time.time() * 1000),
        "tags": json.dumps(body.get("tags") or []),
        "system_tags": json.dumps(body.get("system_tags") or []),
    }


def _mint(connection: sqlite3.Connection, kind: str) -> str:
    row = connection.execute(
        "INSERT INTO counters VALUES (?, 1)"
        " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        [kind],
    ).fetchone()
    return str(row[0])


def _insert(
    connection: sqlite3.Connection, table: str, values: Mapping[str, Any], how: str = "INSERT"
) -> None:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    connection.execute(f"{how} INTO {table} ({names}) VALUES ({marks})", list(values.values()))
