"""`mf-backends report`: from records to the five reports and the verdict."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.cli.building import Order, build_and_write
from pytest_metaflow_backends.cli.expecting import expect_options, expected
from pytest_metaflow_backends.cli.recordfolder import refuse_no_records, refuse_others


@click.command("report")
@click.argument("records", default="report/records", metavar="[RECORDS]")
@click.option(
    "--output",
    "-o",
    default=None,
    metavar="DIR",
    help="Folder for the reports (default: the parent of RECORDS).",
)
@expect_options
@click.option("--title", default="Backend matrix", show_default=True)
@settings.matrix_option
@settings.context_option
def command(
    records: str,
    output: str | None,
    expect: tuple[str, ...],
    selection: str | None,
    title: str,
    matrix: str | None,
    context: str | None,
) -> int:
    """Merge the records below RECORDS and write index.html, report.md, junit.xml, report.json."""
    chosen = settings.read(matrix, None, context)
    folder = Path(records).absolute()
    target = Path(output).absolute() if output else folder.parent
    refuse_others(target)
    wanted = expected(chosen, expect, selection)
    refuse_no_records(folder)
    order = Order(folder, wanted, title)
    return build_and_write(order, target, chosen).verdict.exit_code
