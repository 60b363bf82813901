"""`mf-backends doctor`: what this machine can run, what is missing, and the cure."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends import sessioninfo
from pytest_metaflow_backends.cli import inventory, settings
from pytest_metaflow_backends.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_metaflow_backends.matrix.model import Column

PACKAGES = (
    "metaflow",
    "pytest",
    "pytest-metaflow-backends",
    "metaflow-backends",
    "pytest-xdist",
    "pytest-rerunfailures",
    "pytest-timeout",
)


@dataclass(frozen=True)
class Finding:
    """What is known about one column on this machine."""

    column: str
    required: bool
    available: bool
    reason: str = ""
    cure: str = ""


@click.command("doctor")
@click.option(
    "--backend",
    "-b",
    "names",
    multiple=True,
    metavar="NAMES",
    help="Columns to look at (default: all of the matrix).",
)
@settings.matrix_option
@settings.context_option
@settings.json_option
def command(names: tuple[str, ...], matrix: str | None, context: str | None, as_json: bool) -> int:
    """Say for each backend whether it could be started here, and what to do if not.

    Ends with 10 if a backend that is required here is not available.
    """
    chosen = settings.read(matrix, None, context)
    columns = chosen.columns(names, all_variants=True)
    findings = [examine(column, chosen.context) for column in columns]
    found = inventory.take(columns)
    if as_json:
        facts = {"machine": machine(), "backends": [asdict(f) for f in findings], **asdict(found)}
        click.echo(json.dumps(facts, indent=2))
    else:
        _print(findings)
        inventory.show(found)
    missing = any(f.required and not f.available for f in findings)
    return ExitCode.REQUIRED_UNAVAILABLE if missing else ExitCode.GREEN


def machine() -> dict[str, str]:
    """Name the system and the versions that matter; "" = not installed."""
    versions = {name: sessioninfo.version_of(name) for name in PACKAGES}
    return {"system": platform.platform(terse=True), "python": sys.version.split()[0], **versions}


def examine(column: Column, context: str) -> Finding:
    """Probe one column without starting anything."""
    from metaflow_backends import registry
    from metaflow_backends.errors import BackendError

    from pytest_metaflow_backends.lifecycle.starting import settings_of

    required = column.required_in(context)
    try:
        probe = registry.load(column.kind).probe(settings_of(column))
    except BackendError as error:
        return Finding(column.name, required, available=False, reason=str(error))
    return Finding(column.name, required, probe.available, probe.reason, probe.cure)


def _print(findings: Sequence[Finding]) -> None:
    for name, value in machine().items():
        click.echo(f"  {name:26}{value or 'not installed'}")
    for finding in findings:
        need = "required" if finding.required else "optional"
        mark = "ok" if finding.available else "--"
        click.secho(
            f"{mark} {finding.column} ({need})",
            fg="green" if finding.available else "red" if finding.required else "yellow",
        )
        if not finding.available:
            click.echo(f"     {finding.reason}")
            if finding.cure:
                click.echo(f"     to cure it: {finding.cure}")
