"""`mf-backends logs`: the logs of a started backend."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.cli.standing import standing
from pytest_metaflow_backends.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path


@click.command("logs")
@click.argument("name")
@click.option(
    "--lines",
    "-n",
    default=50,
    show_default=True,
    help="Lines of each log; 0 = only the names of the files.",
)
@settings.matrix_option
@settings.state_option
def command(name: str, lines: int, matrix: str | None, state: str | None) -> int:
    """Print the last lines of every log of NAME, which must be up."""
    chosen = settings.read(matrix, state)
    column = chosen.column(name)
    active = standing(chosen, column)
    masked = chosen.redactor()
    masked.learn(active.running.environment, active.running.endpoints, active.running.details)
    found = active.logs({})
    for log in found:
        click.secho(f"==> {log.name}: {log.path}", bold=True)
        if said := tail(log.path, lines):
            click.echo(masked("\n".join(said)))
    if not found:
        click.echo(f"{column.name} keeps no logs of its own")
    return ExitCode.GREEN


def tail(path: Path, lines: int) -> list[str]:
    """Give the last lines of a file, whatever bytes it holds; none if it is not there yet."""
    if not lines or not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="replace") as stream:
        return [line.rstrip("\n") for line in deque(stream, maxlen=lines)]
