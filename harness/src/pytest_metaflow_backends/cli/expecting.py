"""Which columns a report must hold: named, selected for a change, or required by the matrix."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.report.build import ExpectedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_metaflow_backends.cli.settings import Settings
    from pytest_metaflow_backends.matrix.model import Column

F = TypeVar("F", bound="Callable[..., Any]")


def expect_options(function: F) -> F:
    """Add `--expect` and `--selection`."""
    names = click.option(
        "--expect",
        multiple=True,
        metavar="NAMES",
        help="Columns that must be there (default: the matrix's required ones).",
    )
    selected = click.option(
        "--selection",
        metavar="FILE",
        help="Expect the columns that `mf-backends select --output FILE` chose; there may be none.",
    )
    return names(selected(function))


def expected(
    chosen: Settings, names: Sequence[str], selection: str | None
) -> tuple[ExpectedColumn, ...]:
    """Say which columns a report must hold; those that somebody named must have run."""
    if names and selection:
        raise UsageError("--expect and --selection both say what must be there; give one of them")
    if selection:
        names = _selected(Path(selection))
        return (
            expected_columns(chosen.columns(names), chosen.context, required=True) if names else ()
        )
    if names:
        return expected_columns(chosen.columns(names), chosen.context, required=True)
    required = [c for c in chosen.columns(()) if c.required_in(chosen.context)]
    return expected_columns(required, chosen.context)


def expected_columns(
    columns: Sequence[Column], context: str, *, required: bool = False
) -> tuple[ExpectedColumn, ...]:
    """Say which columns a report must hold, and which of them must have run."""
    return tuple(ExpectedColumn(c.name, required or c.required_in(context)) for c in columns)


def _selected(path: Path) -> list[str]:
    try:
        columns = json.loads(path.read_text("utf-8"))["columns"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UsageError(f"--selection {path}: not what `select` wrote: {error}") from error
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise UsageError(f"--selection {path}: its columns are no list of names")
    return columns
