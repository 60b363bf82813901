"""Get what backends need before they start: packages, built tools, images."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from metaflow_backends.protocol import Needs

    from pytest_metaflow_backends.matrix.model import Column


def needs_of(column: Column) -> Needs | None:
    """Ask a column's backend what it needs; None if that is nothing that takes long.

    Raises BackendError if the backend cannot be loaded or refuses its options.
    """
    from metaflow_backends import registry
    from metaflow_backends.protocol import Prepares

    from pytest_metaflow_backends.lifecycle.starting import settings_of

    started = column.started
    backend = registry.load(started.kind)
    return backend.needs(settings_of(started)) if isinstance(backend, Prepares) else None


def prepare(columns: Iterable[Column], *, install: bool, verbose: bool) -> None:
    """Get what these columns need, each once; packages only if `install`.

    Raises PreparationError, with the column's name, for what cannot be had.
    """
    for column in {c.started.name: c.started for c in columns}.values():
        _prepare(column, install=install, say=teller(column.name, verbose=verbose))


def _prepare(column: Column, *, install: bool, say: Callable[[str], None]) -> None:
    from metaflow_backends import preparing
    from metaflow_backends.errors import BackendError

    try:
        if needs := needs_of(column):
            preparing.prepare(needs, install=install, say=say)
    except BackendError as error:
        raise PreparationError(f"{column.name}: {error}") from error


class PreparationError(HarnessError):
    """Something a backend needs cannot be had on this machine."""

    exit_code = ExitCode.REQUIRED_UNAVAILABLE


def teller(name: str, *, verbose: bool) -> Callable[[str], None]:
    """Give what prints progress lines: at a terminal, and wherever it is asked for."""
    if not verbose and not sys.stderr.isatty():
        return lambda _line: None
    return lambda line: click.secho(f"{name}: {line}", dim=True, err=True)
