"""From records to the five reports, for every command that ends with a verdict."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.flow.allowed import Allowed
from pytest_metaflow_backends.flow.compare import compare, unused
from pytest_metaflow_backends.github.event import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_metaflow_backends.cli.settings import Settings
    from pytest_metaflow_backends.flow.allowed import Entry
    from pytest_metaflow_backends.records import Snapshot
    from pytest_metaflow_backends.report.build import ExpectedColumn
    from pytest_metaflow_backends.report.model import Difference, Report

ALLOWED = "harness/conformance/allowed_differences.yaml"


@dataclass(frozen=True)
class Order:
    """What a report is made of."""

    records: Path
    expected: Sequence[ExpectedColumn]
    title: str
    refused: Sequence[str] = ()  # records that were not believed, a line each
    broken_jobs: Sequence[str] = ()  # jobs that ended red, a line each


def allowed_in(chosen: Settings) -> Allowed:
    """Read the file of allowed differences that the matrix names, which then must be there."""
    named = chosen.matrix.allowed_differences
    path = chosen.root / (named or ALLOWED)
    if path.is_file():
        return Allowed.load(path)
    if named:
        raise UsageError(
            f"{chosen.matrix.path}: allowed_differences: there is no file {named} beside it"
        )
    return Allowed()


def build_and_write(order: Order, folder: Path, chosen: Settings) -> Report:
    """Build the report, write every form of it, print the grid.

    Raises UsageError if the files cannot be written; the grid is printed all the same.
    """
    from rich.console import Console

    from pytest_metaflow_backends.report import build, terminal

    rules = allowed_in(chosen)
    stale: list[Entry] = []

    def differing(
        found: Iterable[Snapshot], executed: Iterable[tuple[str, str]]
    ) -> list[Difference]:
        snapshots = list(found)
        stale.extend(unused(snapshots, rules))
        return compare(snapshots, rules, executed)

    report = build.build(
        order.records,
        expected=order.expected,
        compare=differing,
        today=dt.datetime.now(tz=dt.timezone.utc).date(),
        title=order.title,
        flaky_budget=chosen.matrix.flaky_budget,
        expectations=chosen.matrix.expectations,
        order=[column.name for column in chosen.matrix.columns],
        refused=order.refused,
        broken_jobs=order.broken_jobs,
    )
    try:
        written = _write(report, folder)
    finally:
        terminal.render(report, Console(), stop_token=_stop_token())
    for entry in stale:
        click.echo(f"note: {entry.where}: nothing differed in {entry.field} this time", err=True)
    for path in written:
        click.echo(f"wrote {path}", err=True)
    return report


def _stop_token() -> str | None:
    """In a job of GitHub, keep what tests have printed from being commands to its runner."""
    return secrets.token_hex(16) if inside(os.environ) else None


def _write(report: Report, folder: Path) -> list[Path]:
    from pytest_metaflow_backends.report.write import write_all

    try:
        return write_all(report, folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{folder}: the reports cannot be written: {reason}") from error
