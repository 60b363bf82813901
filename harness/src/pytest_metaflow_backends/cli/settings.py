"""What several commands share: the matrix, the state folder, the columns that are meant."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pytest_metaflow_backends import selection, sessioninfo
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load
from pytest_metaflow_backends.vetting import vet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_metaflow_backends.matrix.model import Column, Matrix
    from pytest_metaflow_backends.redact import Redactor

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True)
class Settings:
    """The matrix a command works on, and where started backends are kept track of."""

    matrix: Matrix
    state: Path
    context: str

    @property
    def root(self) -> Path:
        return self.matrix.path.parent

    def redactor(self) -> Redactor:
        """Know what is secret by the matrix and the environment."""
        from pytest_metaflow_backends.context import redactor

        return redactor(self.matrix, os.environ)

    def columns(self, names: Sequence[str], *, all_variants: bool = False) -> tuple[Column, ...]:
        """Resolve names given on the command line; none means default and required columns.

        Raises UsageError for unknown ones, and for settings that their backends refuse.
        """
        chosen = self._named(names, all_variants=all_variants)
        vet(chosen)
        return chosen

    def _named(self, names: Sequence[str], *, all_variants: bool) -> tuple[Column, ...]:
        if empty := [name for name in names if not name.replace(",", " ").split()]:
            raise UsageError(f"{empty[0]!r} names no column; give a name, e.g. k8s or k8s/kind")
        flat = [part.strip() for name in names for part in name.replace(",", " ").split()]
        if flat:
            return selection.columns_asked(self.matrix, flat, all_variants=all_variants)
        return tuple(
            column for column in self.matrix.columns if all_variants or column.unasked(self.context)
        )

    def column(self, name: str) -> Column:
        """Resolve a name that must mean one column, as `k8s` or `k8s/kind` does."""
        if len(name.replace(",", " ").split()) != 1:
            raise UsageError(f"{name!r} is not one column; give one name, e.g. k8s or k8s/kind")
        return self.columns([name])[0]


def read(matrix: str | None, state: str | None = None, context: str | None = None) -> Settings:
    """Find and load the matrix; raises UsageError if there is none from here upwards."""
    path = Path(matrix).absolute() if matrix else find_upwards(Path.cwd())
    loaded = load(path)
    folder = Path(state).absolute() if state else path.parent / ".metaflow-backends"
    return Settings(loaded, folder, context or sessioninfo.context_of(os.environ))


def find_upwards(start: Path) -> Path:
    """Find matrix.yaml in this folder or the nearest one above it."""
    for folder in (start, *start.parents):
        if (found := folder / "matrix.yaml").is_file():
            return found
    raise UsageError(f"there is no matrix.yaml in {start} or above it; name one with --matrix FILE")


def matrix_option(function: F) -> F:
    """Add `--matrix`."""
    return click.option(
        "--matrix",
        metavar="FILE",
        help="Matrix file (default: the nearest matrix.yaml from here upwards).",
    )(function)


def state_option(function: F) -> F:
    """Add `--state`."""
    return click.option(
        "--state",
        metavar="DIR",
        help="Folder for the state of started backends "
        "(default: .metaflow-backends beside the matrix).",
    )(function)


def context_option(function: F) -> F:
    """Add `--context`."""
    return click.option(
        "--context",
        type=click.Choice(["dev", "ci", "nightly"]),
        help="Decides which backends are required (default: ci where CI is set, else dev).",
    )(function)


def json_option(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)
