"""Which columns a run is about, by name or by marker (by what a change touches: changes.py)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pytest_metaflow_backends.matrix.model import Column, Matrix

# pytest's own lexer of `-m` (_pytest/mark/expression.py): a quoted text, a name, or a sign.
_TOKEN = re.compile(r"""(?P<text>"[^"]*"|'[^']*')|(?P<name>(?::?\w|:|\+|-|\.|\[|\]|\\|/)+)|\S""")
_OPERATORS = frozenset({"and", "or", "not"})


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
