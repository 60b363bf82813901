"""Which columns a run is about: by name, by marker, or by what a change touches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_metaflow_backends.matrix.model import Column, Matrix

# pytest's own lexer of `-m` (_pytest/mark/expression.py): a quoted text, a name, or a sign.
_TOKEN = re.compile(r"""(?P<text>"[^"]*"|'[^']*')|(?P<name>(?::?\w|:|\+|-|\.|\[|\]|\\|/)+)|\S""")
_OPERATORS = frozenset({"and", "or", "not"})
ALL_LABEL, ONE_LABEL = "backends:all", "backend:"


def marker_names(expression: str) -> set[str]:
    """Name the markers a `-m` expression speaks of; in `mark(key=value)` that is `mark` alone.

    >>> sorted(marker_names("k8s and not (slow or needs(gpu=1))"))
    ['k8s', 'needs', 'slow']
    """
    names: set[str] = set()
    callable_, in_call = False, False  # could a bracket open arguments here, are we within some
    for token in _TOKEN.finditer(expression):
        if in_call:
            in_call = token[0] != ")"
            continue
        in_call = callable_ and token[0] == "("
        callable_ = bool(token["name"]) and token[0] not in _OPERATORS
        if callable_:
            names.add(token[0])
    return names


def unknown_markers(expression: str, known: Collection[str]) -> list[str]:
    """List the names in a `-m` expression that are no registered marker."""
    return sorted(marker_names(expression) - set(known))


def columns_asked(
    matrix: Matrix, names: Sequence[str], *, all_variants: bool
) -> tuple[Column, ...]:
    """Resolve `backend` and `backend/variant`, in the order asked for, each once.

    A backend without a base column stands for its default variants, else for all. Raises
    UsageError for an unknown name.
    """
    found: dict[str, Column] = {}
    for name in names:
        for column in _one(matrix, name, all_variants=all_variants):
            found[column.name] = column
    return tuple(found.values())


def _one(matrix: Matrix, name: str, *, all_variants: bool) -> list[Column]:
    exact = [column for column in matrix.columns if column.name == name]
    family = [column for column in matrix.columns if column.backend == name]
    if not exact and not family:
        known = {n for c in matrix.columns for n in (c.name, c.backend)}
        raise UsageError(f"{matrix.path.name} has no backend {name!r}{did_you_mean(name, known)}")
    if family and all_variants:
        return family
    return exact or [column for column in family if column.default] or family


@dataclass(frozen=True)
class Selection:
    """Columns to run for a change, each with the reason why, and what needs none."""

    columns: tuple[str, ...]
    reasons: tuple[str, ...]  # one for each column
    passed_over: tuple[str, ...] = ()  # paths that a rule says need no column, with that rule


def select(matrix: Matrix, changed: Iterable[str], labels: Iterable[str] = ()) -> Selection:
    """Choose the columns that a change needs; when in doubt, all that run by default.

    `changed` are paths as `git diff --name-only -z` gives them. The labels `backends:all` and
    `backend:NAME` add columns and never take one away; UsageError for a NAME that is not there.
    """
    chosen: dict[str, str] = {}
    passed_over: list[str] = []
    for label in labels:
        _add(chosen, _by_label(matrix, label), f"label {label}")
    paths = list(changed)
    if not paths:
        _add(chosen, _every(matrix), "nothing is known about the change")
    for path in paths:
        names, why = _by_path(matrix, path)
        _add(chosen, names, f"{path}: {why}")
        if not names:
            passed_over.append(f"{path}: {why}")
    order = [column.name for column in matrix.columns if column.name in chosen]
    reasons = tuple(f"{name}: {chosen[name]}" for name in order)
    return Selection(tuple(order), reasons, tuple(passed_over))


def _add(chosen: dict[str, str], names: Iterable[str], reason: str) -> None:
    for name in names:
        chosen.setdefault(name, reason)


def _every(matrix: Matrix) -> list[str]:
    """Name the default columns; where none is default, all: doubt must never select nothing."""
    default = [column.name for column in matrix.columns if column.default]
    return default or [column.name for column in matrix.columns]


def _by_label(matrix: Matrix, label: str) -> list[str]:
    if label == ALL_LABEL:
        return _every(matrix)
    if label.startswith(ONE_LABEL):
        asked = columns_asked(matrix, [label.removeprefix(ONE_LABEL)], all_variants=False)
        return [column.name for column in asked]
    return []


def _by_path(matrix: Matrix, path: str) -> tuple[list[str], str]:
    """Give the columns a path needs, and why."""
    if {"", ".", ".."} & set(path.split("/")):
        return _every(matrix), "not a path as git gives them, so all"
    for pattern in matrix.select_always:
        if matches(path, pattern):
            return _every(matrix), f"select.always has {pattern}, so all"
    hits = [(n, p) for n, r in enumerate(matrix.select_rules) for p in r.paths if matches(path, p)]
    if not hits:
        return _every(matrix), "no rule knows it, so all"
    names = [name for number, _ in hits for name in matrix.select_rules[number].backends]
    columns = columns_asked(matrix, names, all_variants=False)
    why = ", ".join(dict.fromkeys(f"select.rules[{n}] has {pattern}" for n, pattern in hits))
    return [column.name for column in columns], why


def matches(path: str, pattern: str) -> bool:
    """Match a path against a pattern in which `**` stands for any folders, `*` for one part.

    >>> matches("a/b/c.py", "a/**"), matches("a/b/c.py", "a/*.py"), matches("c.py", "**/c.py")
    (True, False, True)
    """
    parts = path.split("/")
    reached = {0}  # how many parts of the path the pattern may have eaten so far
    for part in pattern.split("/"):
        if part == "**":
            reached = set(range(min(reached), len(parts) + 1))
        else:
            reached = {n + 1 for n in reached if n < len(parts) and fnmatchcase(parts[n], part)}
        if not reached:
            return False
    return len(parts) in reached
