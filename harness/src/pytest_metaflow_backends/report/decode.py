"""Turn decoded result lines into checked, harmless data.

Records reach a report job from elsewhere, so nothing about their shape is believed: wrong types
raise MalformedError, text is made plain and cut.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_metaflow_backends.records import (
    Attempt,
    BackendEvent,
    Cause,
    Outcome,
    RunRef,
    SkipKind,
    Snapshot,
    TaskRef,
)
from pytest_metaflow_backends.report import text
from pytest_metaflow_backends.report.model import HOST, Detail, State
from pytest_metaflow_backends.report.source import COLUMN, MalformedError, texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from enum import Enum
    from pathlib import Path

E = TypeVar("E", bound="Enum")

STATES = {outcome.value: State[outcome.name] for outcome in Outcome}
LONGEST = 1e9  # seconds, 31 years: anything beyond is nonsense
MAX_LINE = 2**32 - 1  # what Grid.lines can hold
_raw_decode = json.JSONDecoder().raw_decode
MAX_LIST = 1_000  # attempts, runs or tasks of one test that are kept


def decoded(path: Path, damaged: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Yield the records of one file; tell `damaged` of every line that is none, and go on.

    A torn last line (kill -9) is passed over: what it would have said is missing, and that shows.
    """
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if not raw.endswith(b"\n"):
                return
            try:
                data = _loads(raw)
            except (ValueError, RecursionError) as error:
                damaged(f"{path.name}:{number}: not a record: {text.one_line(str(error))}")
                continue
            if isinstance(data, dict):
                yield data
            else:
                damaged(f"{path.name}:{number}: not a record: no JSON object")


def _loads(raw: bytes) -> object:
    """Do what json.loads does, in a third of the time for lines as records.py writes them."""
    line = raw.decode("utf-8")
    try:
        data, end = _raw_decode(line)
    except ValueError:
        return json.loads(line)  # white space in front, or a proper error
    return data if end == len(line) - 1 else json.loads(line)


def column_name(backend: object, variant: object) -> str:
    """Name the column of a record, HOST if it has no backend; raises MalformedError."""
    if backend is None or backend == "":
        return HOST
    name = f"{backend}/{variant}" if variant else backend
    if not isinstance(name, str) or not COLUMN.fullmatch(name):
        raise MalformedError(f"no name of a column: {text.one_line(str(name), 80)}")
    return name


def seconds_of(value: object) -> float:
    """Give a duration that every report can hold: finite and not negative."""
    number = type(value) is float or type(value) is int  # not bool; twice as fast as isinstance
    return float(value) if number and 0 <= value < LONGEST else 0.0  # type: ignore[arg-type, operator]


def line_of(value: object) -> int:
    """Give a 1-based line number, 0 if there is none."""
    return value if type(value) is int and 0 < value <= MAX_LINE else 0


def detail_from(data: dict[str, Any], key: str, column: str, state: State) -> Detail:
    """Read everything about a cell that did not simply pass; raises MalformedError."""
    return Detail(
        key=key,
        column=column,
        state=state,
        nodeid=text.identifier(_text(data.get("id"))),
        file=text.identifier(_text(data.get("file"))),
        line=line_of(data.get("line")),
        seconds=seconds_of(data.get("seconds")),
        cause=_member(Cause, data.get("cause")),
        attempts=tuple(_attempt(item) for item in _objects(data.get("attempts"))),
        skip_kind=_member(SkipKind, data.get("skip_kind")),
        skip_reason=text.one_line(_text(data.get("skip_reason")), 1_000),
        runs=tuple(_run(item) for item in _objects(data.get("runs"))),
        worker=text.identifier(_text(data.get("worker")), 80),
        owner=text.one_line(_text(data.get("owner")), 200),
    )


def _attempt(data: dict[str, Any]) -> Attempt:
    return Attempt(
        n=line_of(data.get("n")) or 1,
        phase=text.identifier(_text(data.get("phase")), 40) or "call",
        outcome=_member(Outcome, data.get("outcome")) or Outcome.FAILED,
        seconds=seconds_of(data.get("seconds")),
        type=text.identifier(_text(data.get("type")), 200),
        message=text.plain(_text(data.get("message")), 4_096),
        fingerprint=text.identifier(_text(data.get("fingerprint")), 200),
        cause=_member(Cause, data.get("cause")) or Cause.TEST,
        details=text.plain(_text(data.get("details"))),
    )


def _run(data: dict[str, Any]) -> RunRef:
    return RunRef(
        pathspec=text.identifier(_text(data.get("pathspec"))),
        status=text.identifier(_text(data.get("status")), 40),
        seconds=seconds_of(data.get("seconds")),
        tasks=tuple(_task(item) for item in _objects(data.get("tasks"))),
    )


def _task(data: dict[str, Any]) -> TaskRef:
    return TaskRef(
        pathspec=text.identifier(_text(data.get("pathspec"))),
        attempts=line_of(data.get("attempts")) or 1,
        status=text.identifier(_text(data.get("status")), 40),
        native=texts(data.get("native")),
        stdout=text.plain(_text(data.get("stdout"))),
        stderr=text.plain(_text(data.get("stderr"))),
    )


def event_from(data: dict[str, Any]) -> BackendEvent:
    """Read a step in the life of a backend; raises MalformedError."""
    column_name(data.get("backend"), data.get("variant"))
    return BackendEvent(
        backend=_text(data.get("backend")),
        state=text.identifier(_text(data.get("state")), 40),
        variant=data.get("variant") or None,
        reason=text.one_line(_text(data.get("reason")), 1_000),
        cure=text.one_line(_text(data.get("cure")), 500),
        seconds=seconds_of(data.get("seconds")),
        provider=text.one_line(_text(data.get("provider")), 80),
        required=data.get("required") is True,
        versions=texts(data.get("versions")),
        logs=text.identifier(_text(data.get("logs"))),
    )


def snapshot_from(data: dict[str, Any]) -> Snapshot:
    """Read what a run left behind; raises MalformedError."""
    column = column_name(data.get("backend"), data.get("variant"))
    if column == HOST or not isinstance(data.get("data", {}), dict):
        raise MalformedError("a snapshot without a backend, or without data")
    return Snapshot(
        key=text.identifier(_required(data, "key")),
        backend=data["backend"],
        variant=data.get("variant") or None,
        name=text.identifier(_text(data.get("name"))),
        data=data.get("data", {}),
    )


def _required(data: dict[str, Any], name: str) -> str:
    if name not in data:
        raise MalformedError(f"{name} is missing")
    return _text(data[name])


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedError(f"text expected, not {type(value).__name__}")
    return value


def _objects(value: object) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MalformedError("a list of objects expected")
    return value[:MAX_LIST]


def _member(enum: type[E], value: object) -> E | None:
    if value is None or value == "":
        return None
    try:
        return enum(value)
    except ValueError as error:
        raise MalformedError(str(error)) from error
