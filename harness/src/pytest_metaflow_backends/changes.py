"""What a change needs: columns and tests, by the paths it touches and the labels it carries.

Under-selection is the one mistake that must not be made: what nobody knows needs everything, and
what asks for something only ever adds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_metaflow_backends.patterns import reached
from pytest_metaflow_backends.selection import columns_asked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_metaflow_backends.matrix.model import Column, Matrix

MANY = 3_000  # paths; GitHub lists no more of a pull request, so nobody knows what else changed
ALL_LABEL, ONE_LABEL = "backends:all", "backend:"

Tests = tuple[str, ...] | None  # paths that pytest is given; None = all the project's tests


@dataclass(frozen=True)
class Need:
    """What one path or label needs, and by which rule."""

    of: str  # the path, or `label NAME`
    columns: tuple[str, ...]
    tests: Tests
    why: str

    def __str__(self) -> str:
        return f"{self.of}: {self.why}" if self.why else self.of


@dataclass(frozen=True)
class Selection:
    """Columns and tests to run for a change, with everything that asked for them."""

    columns: tuple[str, ...]
    tests: Tests
    needs: tuple[Need, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Say for each column what asked for it first."""
        first: dict[str, Need] = {}
        for need in self.needs:
            for name in need.columns:
                first.setdefault(name, need)
        return tuple(f"{name}: {first[name]}" for name in self.columns)

    @property
    def passed_over(self) -> tuple[str, ...]:
        """Name the paths that need no column, each with the rule that says so."""
        return tuple(str(need) for need in self.needs if not need.columns)


def select(
    matrix: Matrix, changed: Iterable[str], labels: Iterable[str] = (), *, context: str = "dev"
) -> Selection:
    """Choose what a change needs; when in doubt, all that runs in this context.

    `changed` are paths as `git diff --name-only -z` gives them. The labels `backends:all` and
    `backend:NAME` add columns and never take one away; UsageError for a NAME that is not there.
    """
    every = _every(matrix, context)
    paths = list(changed)
    if len(paths) >= MANY:
        paths = []
    needs = [need for label in labels if (need := _by_label(matrix, label, every))]
    needs += [_by_path(matrix, path, every) for path in paths]
    if not paths:
        needs.append(Need("nothing is known about the change", every, None, ""))
    chosen = {name for need in needs for name in need.columns}
    columns = tuple(column.name for column in matrix.columns if column.name in chosen)
    return Selection(columns, _together(need.tests for need in needs), tuple(needs))


def _together(asked: Iterable[Tests]) -> Tests:
    """Give every test that any names, in the order in which they were asked for."""
    named: dict[str, None] = {}
    for tests in asked:
        if tests is None:
            return None
        named.update(dict.fromkeys(tests))
    return tuple(named)


def _every(matrix: Matrix, context: str) -> tuple[str, ...]:
    """Name what runs if nobody chooses; where that is nothing, all: doubt never selects nothing."""
    usual = tuple(column.name for column in matrix.columns if column.unasked(context))
    return usual or tuple(column.name for column in matrix.columns)


def _by_label(matrix: Matrix, label: str, every: tuple[str, ...]) -> Need | None:
    if label == ALL_LABEL:
        return Need(f"label {label}", every, None, "")
    if label.startswith(ONE_LABEL):
        asked = columns_asked(matrix, [label.removeprefix(ONE_LABEL)], all_variants=False)
        return Need(f"label {label}", _names(asked), None, "")
    return None


def _by_path(matrix: Matrix, path: str, every: tuple[str, ...]) -> Need:
    if {"", ".", ".."} & set(path.split("/")):
        return Need(path, every, None, "not a path as git gives them, so all")
    for pattern in matrix.select_always:
        if matches(path, pattern):
            return Need(path, every, None, f"select.always has {pattern}, so all")
    rules = matrix.select_rules
    hits = [(n, p) for n, rule in enumerate(rules) for p in rule.paths if matches(path, p)]
    if not hits:
        return Need(path, every, None, "no rule knows it, so all")
    backends = [name for number, _ in hits for name in rules[number].backends]
    columns = _names(columns_asked(matrix, backends, all_variants=False))
    why = ", ".join(dict.fromkeys(f"select.rules[{n}] has {pattern}" for n, pattern in hits))
    return Need(path, columns, _together(rules[number].tests for number, _ in hits), why)


def _names(columns: Iterable[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def matches(path: str, pattern: str) -> bool:
    """Match a path against a pattern in which `**` stands for any folders, `*` for one part.

    >>> matches("a/b/c.py", "a/**"), matches("a/b/c.py", "a/*.py"), matches("c.py", "**/c.py")
    (True, False, True)
    """
    parts = path.split("/")
    return len(parts) in reached(parts, pattern.split("/"))
