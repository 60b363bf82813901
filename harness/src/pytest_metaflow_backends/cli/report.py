"""`mf-backends report`: from records to the five reports and the verdict."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.cli.recordfolder import refuse_others
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.flow.allowed import Allowed
from pytest_metaflow_backends.flow.compare import compare, unused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_metaflow_backends.cli.settings import Settings
    from pytest_metaflow_backends.flow.allowed import Entry
    from pytest_metaflow_backends.matrix.model import Column
    from pytest_metaflow_backends.records import Snapshot
    from pytest_metaflow_backends.report.build import ExpectedColumn
    from pytest_metaflow_backends.report.model import Difference, Report

ALLOWED = "harness/conformance/allowed_differences.yaml"


@click.command("report")
@click.argument("records", default="report/records", metavar="[RECORDS]")
@click.option(
    "--output",
    "-o",
    default=None,
    metavar="DIR",
    help="Folder for the reports (default: the parent of RECORDS).",
)
@click.option(
    "--expect",
    multiple=True,
    metavar="NAMES",
    help="Columns that must be there (default: the matrix's required ones).",
)
@click.option("--title", default="Backend matrix", show_default=True)
@settings.matrix_option
@settings.context_option
def command(
    records: str,
    output: str | None,
    expect: tuple[str, ...],
    title: str,
    matrix: str | None,
    context: str | None,
) -> int:
    """Merge the records below RECORDS and write index.html, report.md, junit.xml, report.json."""
    chosen = settings.read(matrix, None, context)
    folder = Path(records).absolute()
    if expect:
        expected = expected_columns(chosen.columns(expect), chosen.context, required=True)
    else:
        required = [c for c in chosen.columns(()) if c.required_in(chosen.context)]
        expected = expected_columns(required, chosen.context)
    target = Path(output).absolute() if output else folder.parent
    refuse_others(target)
    return build_and_write(folder, target, expected, chosen, title)


def expected_columns(
    columns: Sequence[Column], context: str, *, required: bool = False
) -> tuple[ExpectedColumn, ...]:
    """Say which columns a report must hold, and which of them must have run."""
    from pytest_metaflow_backends.report.build import ExpectedColumn

    return tuple(ExpectedColumn(c.name, required or c.required_in(context)) for c in columns)


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


def build_and_write(
    records: Path, folder: Path, expected: Sequence[ExpectedColumn], chosen: Settings, title: str
) -> int:
    """Build the report, write every form of it, print the grid; give the verdict's exit code.

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
        records,
        expected=expected,
        compare=differing,
        today=dt.datetime.now(tz=dt.timezone.utc).date(),
        title=title,
        flaky_budget=chosen.matrix.flaky_budget,
        expectations=chosen.matrix.expectations,
        order=[column.name for column in chosen.matrix.columns],
    )
    try:
        written = _write(report, folder)
    finally:
        terminal.render(report, Console())
    for entry in stale:
        click.echo(f"note: {entry.where}: nothing differed in {entry.field} this time", err=True)
    for path in written:
        click.echo(f"wrote {path}", err=True)
    return report.verdict.exit_code


def _write(report: Report, folder: Path) -> list[Path]:
    from pytest_metaflow_backends.report.write import write_all

    try:
        return write_all(report, folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"{folder}: the reports cannot be written: {reason}") from error
