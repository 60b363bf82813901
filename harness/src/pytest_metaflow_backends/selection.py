"""Which columns a run is about: by name, by marker, or by what a change touches."""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_metaflow_backends.matrix.model import Column, Matrix

# A marker name in `-m`; what stands in brackets behind one are its arguments.
_ARGUMENTS = re.compile(r"\([^()]*=[^()]*\)")
_NAME = re.compile(r"[^\W\d][\w.:/-]*|\d[\w.:/-]*")
_OPERATORS = frozenset({"and", "or", "not", "True", "False", "None"})
ALL_LABEL, ONE_LABEL = "backends:all", "backend:"


def marker_names(expression: str) -> set[str]:
    """Name the markers a `-m` expression speaks of.

    >>> sorted(marker_names("k8s and not (slow or needs(gpu=1))"))
    ['k8s', 'needs', 'slow']
    """
    return set(_NAME.findall(_ARGUMENTS.sub(" ", expression))) - _OPERATORS


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
    if all_variants:
        return family
    return exact or [column for column in family if column.default] or family


@dataclass(frozen=True)
class Selection:
    """Columns to run for a change, each with the reason why."""

    columns: tuple[str, ...]
    reasons: tuple[str, ...]


def select(matrix: Matrix, changed: Iterable[str], labels: Iterable[str] = ()) -> Selection:
    """Choose the columns that a change needs; when in doubt, all of them.

    `changed` are paths as git gives them. The labels `backends:all` and `backend:NAME` add.
    """
    chosen: dict[str, str] = {}
    for label in labels:
        _add(chosen, _by_label(matrix, label), f"label {label}")
    paths = list(changed)
    if not paths:
        _add(chosen, _every(matrix), "nothing is known about the change")
    for path in paths:
        names, why = _by_path(matrix, path)
        _add(chosen, names, f"{path}: {why}")
    order = [column.name for column in matrix.columns if column.name in chosen]
    return Selection(tuple(order), tuple(f"{name}: {chosen[name]}" for name in order))


def _add(chosen: dict[str, str], names: Iterable[str], reason: str) -> None:
    for name in names:
        chosen.setdefault(name, reason)


def _every(matrix: Matrix) -> list[str]:
    return [column.name for column in matrix.columns if column.default]


def _by_label(matrix: Matrix, label: str) -> list[str]:
    if label == ALL_LABEL:
        return _every(matrix)
    if label.startswith(ONE_LABEL):
        asked = columns_asked(matrix, [label.removeprefix(ONE_LABEL)], all_variants=False)
        return [column.name for column in asked]
    return []


def _by_path(matrix: Matrix, path: str) -> tuple[list[str], str]:
    if any(matches(path, pattern) for pattern in matrix.select_always):
        return _every(matrix), "needs all"
    rules = [r for r in matrix.select_rules if any(matches(path, p) for p in r.paths)]
    if not rules:
        return _every(matrix), "no rule knows it, so all"
    names = [name for rule in rules for name in rule.backends]
    columns = columns_asked(matrix, names, all_variants=False)
    return [column.name for column in columns], "by rule"


def matches(path: str, pattern: str) -> bool:
    """Match a path against a pattern in which `**` stands for any folders, `*` for one part.

    >>> matches("a/b/c.py", "a/**"), matches("a/b/c.py", "a/*.py"), matches("c.py", "**/c.py")
    (True, False, True)
    """
    return _parts(path.split("/"), pattern.split("/"))


def _parts(path: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_parts(path[n:], pattern[1:]) for n in range(len(path) + 1))
    if not path or not fnmatch.fnmatchcase(path[0], pattern[0]):
        return False
    return _parts(path[1:], pattern[1:])
