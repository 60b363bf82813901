"""`mf-backends plan`: what would run where, without starting anything."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.errors import ExitCode, UsageError
from pytest_metaflow_backends.wording import counted

if TYPE_CHECKING:
    from pytest_metaflow_backends.cli.settings import Settings
    from pytest_metaflow_backends.matrix.model import Column
    from pytest_metaflow_backends.redact import Redactor


@click.command("plan")
@click.option(
    "--backend",
    "-b",
    "names",
    multiple=True,
    metavar="NAMES",
    help="Columns, e.g. local or k8s/kind (default: the matrix's default columns).",
)
@click.option("--all-variants", is_flag=True, help="Show the variants too that are not default.")
@click.option("--tests/--no-tests", default=True, help="List the tests of each column.")
@settings.matrix_option
@settings.context_option
@settings.json_option
@click.argument("paths", nargs=-1)
def command(
    names: tuple[str, ...],
    all_variants: bool,
    tests: bool,
    matrix: str | None,
    context: str | None,
    as_json: bool,
    paths: tuple[str, ...],
) -> int:
    """Show the columns, whether they are required here, and the tests each of them would run."""
    chosen = settings.read(matrix, None, context)
    columns = chosen.columns(names, all_variants=all_variants)
    masked = chosen.redactor()  # an option or an argument of a deployment may be a secret
    plans = [_plan(column, chosen, masked, paths, tests=tests) for column in columns]
    if as_json:
        click.echo(json.dumps(plans, indent=2))
    else:
        for plan in plans:
            _show(plan)
    return ExitCode.GREEN


def _plan(
    column: Column, chosen: Settings, masked: Redactor, paths: tuple[str, ...], *, tests: bool
) -> dict[str, Any]:
    from pytest_metaflow_backends.matrix.describe import describe

    return {
        "column": column.name,
        "required": column.required_in(chosen.context),
        "settings": [masked(line) for line in describe(column)],
        "tests": _collect(column, chosen, paths) if tests else None,
    }


def _collect(column: Column, chosen: Settings, paths: tuple[str, ...]) -> list[str]:
    """Let pytest collect one column's tests; raises UsageError with its own words if it fails."""
    argv = [
        "-m",
        chosen.matrix.marker(column.backend),
        "--collect-only",
        "--verbosity=-1",  # -q on top of the project's own would leave numbers instead of names
        "--no-header",
        f"--metaflow-matrix={chosen.matrix.path}",
        f"--metaflow-backend={column.name}",
        *paths,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *argv],
        cwd=chosen.root,
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode not in {ExitCode.GREEN, ExitCode.NOTHING_SELECTED}:
        raise UsageError(
            f"{column.name}: the tests cannot be collected:\n{(done.stderr + done.stdout).strip()}"
        )
    return [line for line in done.stdout.splitlines() if "::" in line]


def _show(plan: dict[str, Any]) -> None:
    need = "required" if plan["required"] else "optional"
    count = "" if plan["tests"] is None else f", {counted(len(plan['tests']), 'test')}"
    click.secho(f"{plan['column']} ({need}{count})", bold=True)
    for line in [*plan["settings"], *(plan["tests"] or ())]:
        click.echo(f"  {line}")
