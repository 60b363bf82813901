"""Hold the snapshots of all columns against each other, field by field."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.report.model import Difference

if TYPE_CHECKING:
    from pytest_metaflow_backends.flow.allowed import Allowed, Entry
    from pytest_metaflow_backends.records import Snapshot

ABSENT = "(absent)"
PRESENT = "(present)"
WHOLE = "(snapshot)"  # the field of a difference if a column has no snapshot at all
LONGEST = 200  # characters of a value in a message

Leaves = Mapping[str, str]  # field -> value as JSON
Columns = dict[str, Leaves]


def compare(
    snapshots: Iterable[Snapshot],
    allowed: Allowed,
    executed: Iterable[tuple[str, str]] = (),
) -> list[Difference]:
    """List what differs between columns and is not allowed to, in the order of key, name, field.

    `executed` names (key, column) of tests that ran to some end: a snapshot that one of them
    lacks and another column has is a difference. Of two snapshots of one run (a repeated test)
    the later one counts.
    """
    columns_of: dict[str, set[str]] = {}
    for key, column in executed:
        columns_of.setdefault(key, set()).add(column)
    found = []
    for (key, name), columns in sorted(_grouped(snapshots).items()):
        missing = columns_of.get(key, set()) - columns.keys()
        if missing:
            found.append(_lacking(key, name, columns, missing))
        found.extend(_differences(key, name, columns, allowed))
    return found


def unused(snapshots: Iterable[Snapshot], allowed: Allowed) -> tuple[Entry, ...]:
    """List the entries that excused nothing although columns they speak of were compared."""
    compared: set[str] = set()
    used: set[Entry] = set()
    for (key, _), columns in _grouped(snapshots).items():
        if len(columns) > 1:
            compared |= columns.keys()
            used |= {entry for judged in _judged(key, columns, allowed) for entry in judged.used}
    return tuple(
        entry
        for entry in allowed.entries
        if entry not in used and any(entry.excuses(column) for column in compared)
    )


@dataclass(frozen=True)
class Judged:
    """One field on which columns disagree, after the allowed values were taken out."""

    field: str
    values: Mapping[str, str]  # column -> value, of all columns
    used: tuple[Entry, ...]
    differs: bool  # still, without the excused columns


def _grouped(snapshots: Iterable[Snapshot]) -> dict[tuple[str, str], Columns]:
    found: dict[tuple[str, str], Columns] = {}
    for item in snapshots:
        found.setdefault((item.key, item.name), {})[item.column] = dict(leaves(item.data))
    return found


def leaves(data: Any, above: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield (field, JSON) of each leaf; an empty list or dict is a leaf too."""
    if isinstance(data, Mapping):
        parts = [(str(key), data[key]) for key in sorted(data, key=str)]
    elif isinstance(data, list | tuple):
        parts = [(str(number), item) for number, item in enumerate(data)]
    else:
        parts = []
    if not parts:
        yield above, json.dumps(data, sort_keys=True, default=str)
    for name, item in parts:
        escaped = name.replace("~", "~0").replace("/", "~1")  # as in JSON pointers (RFC 6901)
        yield from leaves(item, f"{above}/{escaped}" if above else escaped)


def _judged(key: str, columns: Columns, allowed: Allowed) -> Iterator[Judged]:
    """Judge each field that is not the same in all columns."""
    fields = sorted({field for found in columns.values() for field in found}, key=_natural)
    for field in fields:
        values = {column: columns[column].get(field, ABSENT) for column in sorted(columns)}
        if len(set(values.values())) > 1 and not _only_emptier(field, columns):
            entries = allowed.covering(key, field)
            counted = {
                value
                for column, value in values.items()
                if not any(entry.excuses(column) for entry in entries)
            }
            yield Judged(field, values, entries, len(counted) > 1)


def _only_emptier(field: str, columns: Columns) -> bool:
    """Tell whether some columns have nothing where others have something: it is told below."""
    empty = {column for column, found in columns.items() if found.get(field) in {"{}", "[]"}}
    return all(column in empty or _below(found, field) for column, found in columns.items()) and (
        len(empty) < len(columns)
    )


def _below(found: Leaves, part: str) -> bool:
    return any(field.startswith(f"{part}/") for field in found)


def _natural(field: str) -> list[tuple[int, int, str]]:
    """Order the tenth sibling after the second."""
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in field.split("/")]


def _differences(key: str, name: str, columns: Columns, allowed: Allowed) -> Iterator[Difference]:
    """Tell of a part that a column lacks as one difference, not as one for each leaf in it."""
    told: set[str] = set()
    for judged in _judged(key, columns, allowed):
        if not judged.differs:
            continue
        field = _top_absent(judged.field, columns)
        if field not in told:
            told.add(field)
            values = judged.values if field == judged.field else _presence(field, columns)
            yield Difference(key, name, field, {c: v[:LONGEST] for c, v in values.items()})


def _top_absent(field: str, columns: Columns) -> str:
    """Give the highest part above a field that some column lacks altogether; else the field."""
    parts = field.split("/")
    for depth in range(1, len(parts)):
        above = "/".join(parts[:depth])
        if not all(_has(leaves_, above) for leaves_ in columns.values()):
            return above
    return field


def _has(found: Leaves, part: str) -> bool:
    return part in found or _below(found, part)


def _presence(part: str, columns: Columns) -> dict[str, str]:
    return {c: PRESENT if _has(columns[c], part) else ABSENT for c in sorted(columns)}


def _lacking(key: str, name: str, columns: Columns, missing: set[str]) -> Difference:
    values = dict.fromkeys(columns, PRESENT) | dict.fromkeys(missing, ABSENT)
    return Difference(key, name, WHOLE, dict(sorted(values.items())))
