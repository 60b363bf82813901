"""`mf-backends up`: start backends so that they outlive the command."""

from __future__ import annotations

import time
from functools import partial

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.cli.preparing import prepare
from pytest_metaflow_backends.cli.progress import announce
from pytest_metaflow_backends.errors import ExitCode


@click.command("up")
@click.argument("names", nargs=-1, required=True, metavar="NAMES...")
@click.option("--install", is_flag=True, help="Install missing Debian packages too (as root).")
@click.option("--verbose", "-v", is_flag=True, help="Tell the progress also where no terminal is.")
@settings.matrix_option
@settings.state_option
def command(
    names: tuple[str, ...], install: bool, verbose: bool, matrix: str | None, state: str | None
) -> int:
    """Start the backends NAMES (e.g. local, k8s/kind); those that are up stay up.

    What they need is built or, with --install, installed first. Later test runs share them.
    `mf-backends down` stops them.
    """
    from pytest_metaflow_backends.lifecycle import Broken, Unavailable, up

    chosen = settings.read(matrix, state)
    columns = chosen.columns(names)
    masked = chosen.redactor()  # a log that is quoted may hold keys
    prepare(columns, install=install, verbose=verbose)
    code = ExitCode.GREEN
    for column in columns:
        began = time.monotonic()
        try:
            active = up(chosen.state, column, on_event=partial(announce, masked))
        except (Unavailable, Broken) as error:
            click.secho(masked(str(error)), fg="red", err=True)
            code = ExitCode.REQUIRED_UNAVAILABLE
            continue
        where = ", ".join(f"{k} {v}" for k, v in active.running.endpoints.items())
        click.echo(
            f"{column.name} is up after {time.monotonic() - began:.1f} s"
            f"{f' ({where})' if where else ''}; mf-backends env {column.name} shows how to "
            "use it"
        )
    return code
