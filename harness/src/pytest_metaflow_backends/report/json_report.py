"""The report for machines, as a stream; `schema/report.schema.json` describes it."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import Enum
from json.encoder import encode_basestring_ascii as quote
from typing import TYPE_CHECKING, Any, TextIO

from pytest_metaflow_backends.report.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_metaflow_backends.report.model import ColumnVerdict, Detail, Grid, Group, Report

VERSION = 1
_WORDS = [state.name.lower() for state in State]


def render(report: Report, out: TextIO) -> None:
    """Write one JSON object in ASCII. Columns and cells of tests without a backend are named ""."""
    for start, (name, values) in enumerate(_members(report)):
        out.write(f"{',' if start else '{'}\n{quote(name)}: ")
        out.writelines(values)
    out.write("\n}\n")


def schema() -> dict[str, Any]:
    """Load the published schema (JSON Schema, draft 2020-12)."""
    from importlib.resources import files

    source = files(__package__).joinpath("schema/report.schema.json")
    loaded: dict[str, Any] = json.loads(source.read_text("utf-8"))
    return loaded


def _members(report: Report) -> Iterator[tuple[str, Iterable[str]]]:
    details = report.grid.details
    yield "version", [str(VERSION)]
    yield "title", [quote(report.title)]
    yield "verdict", [_dumps(_verdict(report))]
    yield "columns", [_dumps(report.grid.columns)]
    yield "damage", _array(report.damage)
    yield "killed", _array(report.killed)
    yield "failures", _array(_group(report, group) for group in report.groups)
    yield "disagreements", _array(report.grid.keys[row] for row in report.disagreements)
    yield "differences", _array(asdict(d) for d in report.differences)
    yield "not_run", _array(_detail(report, d) for d in report.not_run)
    yield "flaky", _array(_place(d) for d in report.flaky)
    yield "slowest", _array({"key": k, "column": c, "seconds": s} for k, c, s in report.slowest)
    yield "drift", _array(asdict(d) for d in report.drift)
    yield "sessions", _array(asdict(s) for s in report.sessions)
    yield "events", _array(asdict(e) for e in report.events)
    yield "details", _array(_detail(report, d) for d in details.values())
    yield "tests", _tests(report.grid)


def _array(values: Iterable[Any]) -> Iterator[str]:
    yield "["
    between = "\n"
    for value in values:
        yield between + _dumps(value)
        between = ",\n"
    yield "]"


def _dumps(value: object) -> str:
    return json.dumps(value, default=_plain)


def _plain(value: object) -> object:
    return value.value if isinstance(value, Enum) else str(value)


def _verdict(report: Report) -> dict[str, Any]:
    verdict = report.verdict
    return {
        "judgement": verdict.judgement.value,
        "reason": verdict.reason,
        "exit_code": int(verdict.exit_code),
        "columns": [_column(column) for column in verdict.columns],
    }


def _column(column: ColumnVerdict) -> dict[str, Any]:
    return {
        "column": column.column,
        "judgement": column.judgement.value,
        "reason": column.reason,
        "required": column.required,
        "counts": {_WORDS[state]: n for state, n in column.counts.items() if state},
        "seconds": round(column.seconds, 6),
        "provider": column.provider,
        "versions": dict(column.versions),
        "logs": column.logs,
    }


def _group(report: Report, group: Group) -> dict[str, Any]:
    return {
        "fingerprint": group.fingerprint,
        "headline": group.headline,
        "title": group.title,
        "columns": group.columns,
        "tests": [
            {**_place(detail), "reproduce": report.reproduce(detail)} for detail in group.details
        ],
    }


def _place(detail: Detail) -> dict[str, str]:
    return {"key": detail.key, "column": detail.column}


def _detail(report: Report, detail: Detail) -> dict[str, Any]:
    return {
        **asdict(detail),
        "state": _WORDS[detail.state],
        "fingerprint": detail.fingerprint,
        "message": detail.message,
        "reproduce": report.reproduce(detail),
    }


def _tests(grid: Grid) -> Iterator[str]:
    """Write every row with the cells that were planned, the clean ones as cheaply as possible."""
    columns = [(f"{quote(name)}: ", grid.states[name], grid.seconds[name]) for name in grid.columns]
    yield "["
    between = "\n"
    for row, key in enumerate(grid.keys):
        cells = ", ".join(
            f'{name}{{"state": "{_WORDS[states[row]]}", "seconds": {seconds[row]:.6g}}}'
            for name, states, seconds in columns
            if row < len(states) and states[row]
        )
        yield f'{between}{{"key": {quote(key)}, "line": {grid.lines[row]}, "cells": {{{cells}}}}}'
        between = ",\n"
    yield "]"
