"""The one reviewed list of what may differ between backends, each with the reason why."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.patterns import reached

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

KEYS = ("field", "reason", "columns", "tests")
REASON_LETTERS = 15  # a shorter one is no reason


@dataclass(frozen=True)
class Entry:
    """One allowed difference.

    `field` is a pattern over the parts of a field, divided by `/`: `*` is one part (or some
    letters of it), `**` any number; it also covers all below what it matches. With `columns` only
    these columns may differ, a backend with all its variants; `tests` limits it to keys of tests.
    """

    field: str
    reason: str
    columns: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    where: str = ""  # file:line

    def covers(self, key: str, field: str) -> bool:
        """Tell whether a field of a test's snapshot is meant."""
        return _any(key, self.tests) and bool(reached(field.split("/"), self.field.split("/")))

    def excuses(self, column: str) -> bool:
        """Tell whether a column's value of a covered field does not count."""
        return _any(column, self.columns) or _any(column.partition("/")[0], self.columns)


def _any(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


@dataclass(frozen=True)
class Allowed:
    """All entries, in the order of the file."""

    entries: tuple[Entry, ...] = ()

    def covering(self, key: str, field: str) -> tuple[Entry, ...]:
        """List the entries that say something about a field."""
        return tuple(entry for entry in self.entries if entry.covers(key, field))

    @classmethod
    def load(cls, path: Path) -> Allowed:
        """Read the file; UsageError with file:line for whatever is not exactly as expected."""
        data = _read(path)
        if not isinstance(data, dict) or set(data) != {"version", "allowed"}:
            raise UsageError(f"{path}:1: expected exactly the keys `version` and `allowed`")
        if data["version"] != 1:
            raise UsageError(f"{path}:1: version {data['version']!r} is not known; this reads 1")
        if not isinstance(data["allowed"], list):
            raise UsageError(f"{path}:1: `allowed` must be a list of entries")
        entries: Any = data["allowed"]  # ruamel.yaml's list, which knows its lines
        found = (
            _entry(entry, f"{path}:{entries.lc.item(n)[0] + 1}") for n, entry in enumerate(entries)
        )
        return cls(tuple(found))


def _read(path: Path) -> Any:  # noqa: ANN401
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        return YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except (YAMLError, ValueError, RecursionError) as error:
        said = " ".join(str(error).split())
        raise UsageError(f"{path}: is not YAML: {said}") from error


def _entry(data: Any, where: str) -> Entry:  # noqa: ANN401
    if not isinstance(data, dict):
        raise UsageError(f"{where}: an entry needs the keys `field` and `reason`")
    for key in data:
        if key not in KEYS:
            raise UsageError(f"{where}: unknown key {key!r}{_nearest(str(key))}")
    reason = _text(data, "reason", where)
    if len(reason) < REASON_LETTERS:
        raise UsageError(f"{where}: the reason {reason!r} is too short to convince a reviewer")
    return Entry(
        field=_text(data, "field", where),
        reason=reason,
        columns=_texts(data, "columns", where),
        tests=_texts(data, "tests", where),
        where=where,
    )


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, KEYS, 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(KEYS)}"


def _text(data: Mapping[str, Any], key: str, where: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: `{key}` must be a text that is not empty")
    return str(value).strip()


def _texts(data: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    if key not in data:
        return ()
    values = data[key]
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        raise UsageError(f"{where}: `{key}` must be a list of at least one text")
    return tuple(str(value) for value in values)
