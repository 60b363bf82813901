"""`mf-backends down`: stop backends and leave nothing."""

from __future__ import annotations

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.errors import ExitCode


@click.command("down")
@click.argument("names", nargs=-1, metavar="[NAMES]...")
@click.option("--force", is_flag=True, help="Stop it even if a running test run uses it.")
@settings.matrix_option
@settings.state_option
def command(names: tuple[str, ...], force: bool, matrix: str | None, state: str | None) -> int:
    """Stop the backends NAMES (default: everything that is up)."""
    from pytest_metaflow_backends.lifecycle import down, status

    chosen = settings.read(matrix, state)
    if names:
        started = [column.started.name for column in chosen.columns(names)]
        wanted = list(dict.fromkeys(started))
    else:  # also what an earlier matrix named
        wanted = [found.column for found in status(chosen.state)]
    for name in wanted:
        stopped = down(chosen.state, name, force=force)
        click.echo(f"{name} is down" if stopped else f"{name} was not up")
    if not wanted:
        click.echo("nothing is up")
    return ExitCode.GREEN
