"""The full grid as compact JSON inside the page, written piece by piece.

Cells are one letter each, numbers are base64 of 32-bit values, keys share the name of their file:
200,000 rows by 5 columns take some 15 MB and no second copy of the grid in memory.
"""

from __future__ import annotations

import json
import sys
from array import array
from base64 import b64encode
from dataclasses import dataclass
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.report import html_view
from pytest_metaflow_backends.report.html_text import KEY
from pytest_metaflow_backends.report.model import Grid, State
from pytest_metaflow_backends.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_metaflow_backends.report.model import Detail, Report

CHUNK = 4_096  # rows encoded at once
CELL = 32  # bytes of one entry in the notes, without its message
MESSAGE = 240  # characters
NUMBER = 5.4  # bytes of one 32-bit number in base64
FRAME = 20_000  # bytes for everything that does not grow with the rows

_LETTERS = bytes(65 + min(value, len(State)) for value in range(256))
_CLEAN = frozenset({State.ABSENT, State.PASSED})
# 0 = clean, 1 = not clean, 3 = red: joined by a bitwise or over the columns.
_WEIGHTS = bytes(
    0 if value >= len(State) or State(value) in _CLEAN else 3 if State(value).red else 1
    for value in range(256)
)


@dataclass(frozen=True)
class Notes:
    """Cause and message of the cells that did not simply pass."""

    cells: list[tuple[int, int, str, int]]  # row, column, cause, number of the message
    messages: list[str]


@dataclass(frozen=True)
class Selection:
    """Which rows of the grid the page holds."""

    rows: Sequence[int]
    total: int
    notes: Notes
    numbers: bool  # durations and source lines too

    @property
    def left_out(self) -> int:
        """Count the rows that only report.json has."""
        return self.total - len(self.rows)


def select(grid: Grid, room: int) -> Selection:
    """Choose the rows that fit `room` bytes: red ones first, then what is not clean, then clean."""
    total = len(grid.keys)
    notes = _notes(grid, room // 3)
    left = room - FRAME - sum(map(len, notes.messages)) - CELL * len(notes.cells)
    bare = sum(len(_json(run)) + 1 for run in _runs(grid.keys, range(total)))
    bare += total * len(grid.columns)
    if bare + NUMBER * total * (len(grid.columns) + 1) <= left:
        return Selection(range(total), total, notes, numbers=True)
    if bare <= left:
        return Selection(range(total), total, notes, numbers=False)
    return Selection(_first_that_fit(grid, left), total, notes, numbers=False)


def pieces(report: Report, selection: Selection) -> Iterator[str]:
    """Yield the JSON text, safe inside a script element: no `<` and no non-ASCII is in it."""
    grid, rows = report.grid, selection.rows
    yield '{"head":'
    yield _json(_head(report, selection))
    yield ',"keys":['
    yield from _joined(map(_json, _runs(grid.keys, rows)))
    yield '],"states":['
    yield from _joined(_json(_letters(grid.states.get(c, b""), rows)) for c in grid.columns)
    yield "]"
    if selection.numbers:
        yield ',"lines":'
        yield _json(_base64(grid.lines, "I", selection.total))
        yield ',"seconds":['
        numbers = (grid.seconds.get(column, ()) for column in grid.columns)
        yield from _joined(_json(_base64(n, "f", selection.total)) for n in numbers)
        yield "]"
    yield "}"


def row_numbers(grid: Grid, keys: Iterable[str]) -> dict[str, int]:
    """Find the rows of some keys without an index of all of them."""
    wanted = set(keys)
    return {key: row for row, key in enumerate(grid.keys) if key in wanted}


def _head(report: Report, selection: Selection) -> dict[str, Any]:
    grid, notes = report.grid, selection.notes
    cells: Sequence[tuple[Any, ...]] = notes.cells
    disagree: Sequence[int] = report.disagreements
    if selection.left_out:
        place = {row: index for index, row in enumerate(selection.rows)}
        cells = [(place[row], *rest) for row, *rest in notes.cells if row in place]
        disagree = [place[row] for row in disagree if row in place]
    return {
        "columns": [html_view.label(column) for column in grid.columns],
        "states": [state.name.lower() for state in State],
        "red": [state.value for state in State if state.red],
        "total": selection.total,
        "rows": list(selection.rows) if selection.left_out else None,
        "disagree": list(disagree),
        "messages": notes.messages,
        "cells": cells,
    }


def _notes(grid: Grid, room: int) -> Notes:
    """Collect what the details say, the red ones first if there is no room for all."""
    details: Iterable[Detail] = grid.details.values()
    if len(grid.details) * (CELL + MESSAGE) > room:
        details = sorted(details, key=lambda detail: not detail.state.red)
    columns = {column: number for number, column in enumerate(grid.columns)}
    rows = row_numbers(grid, (key for key, _ in grid.details))
    numbers: dict[str, int] = {}
    cells = []
    for detail in details:
        message = one_line(detail.message, MESSAGE)
        room -= CELL + (0 if message in numbers else len(_json(message)))
        if room < 0:
            break
        if detail.key in rows and detail.column in columns:
            number = numbers.setdefault(message, len(numbers))
            cause = detail.cause.value if detail.cause else ""
            cells.append((rows[detail.key], columns[detail.column], cause, number))
    return Notes(cells, list(numbers))


def _first_that_fit(grid: Grid, room: float) -> list[int]:
    weights = _row_weights(grid)
    kept: list[int] = []
    for wanted in (3, 1, 0):
        for row, weight in enumerate(weights):
            if weight != wanted:
                continue
            # Once rows are left out, each is stored with its number.
            room -= len(_json(grid.keys[row][:KEY])) + len(grid.columns) + 16
            if room < 0:
                return sorted(kept)
            kept.append(row)
    return sorted(kept)


def _row_weights(grid: Grid) -> bytes:
    """Weigh all rows at once: one big number per column, a byte per row."""
    total = len(grid.keys)
    joined = 0
    for cells in grid.states.values():
        joined |= int.from_bytes(cells[:total].translate(_WEIGHTS), "little")
    return joined.to_bytes(total, "little")


def _runs(keys: Sequence[str], rows: Sequence[int]) -> Iterator[tuple[str, list[str]]]:
    """Yield (file, names) for stretches of rows of one file; `file::name` is the key."""
    parted = (_parted(keys[row][:KEY]) for row in rows)
    for file, run in groupby(parted, key=lambda pair: pair[0]):
        names = (name for _, name in run)
        while part := list(islice(names, CHUNK)):
            yield file, part


def _parted(key: str) -> tuple[str, str]:
    file, colons, name = key.partition("::")
    return (file, name) if file and colons else ("", key)


def _letters(cells: bytearray | bytes, rows: Sequence[int]) -> str:
    total = len(rows) if isinstance(rows, range) else (rows[-1] + 1 if rows else 0)
    padded = bytes(cells[:total]).ljust(total, b"\0")
    if not isinstance(rows, range):
        padded = bytes(map(padded.__getitem__, rows))
    return padded.translate(_LETTERS).decode("ascii")


def _base64(numbers: Iterable[float], code: str, total: int) -> str:
    packed = array(code, numbers)[:total]
    packed.extend([0] * (total - len(packed)))
    if sys.byteorder == "big":
        packed.byteswap()
    return b64encode(packed.tobytes()).decode("ascii")


def _joined(texts: Iterable[str]) -> Iterator[str]:
    """Put commas between texts without holding them all."""
    each = iter(texts)
    yield from islice(each, 1)
    yield from chain.from_iterable((",", text) for text in each)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
