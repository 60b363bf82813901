"""`mf-backends`: the matrix from the command line, for people and for any CI."""

from __future__ import annotations

import os
import sys
import traceback
from typing import TYPE_CHECKING

import click
from metaflow_backends.errors import BackendError

from pytest_metaflow_backends.cli import (
    cache,
    doctor,
    down,
    env,
    logs,
    plan,
    publish,
    report,
    run,
    select,
    shell,
    status,
    up,
)
from pytest_metaflow_backends.errors import ExitCode, HarnessError
from pytest_metaflow_backends.redact import Redactor

if TYPE_CHECKING:
    from collections.abc import Sequence


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pytest-metaflow-backends", prog_name="mf-backends")
def cli() -> None:
    """Start backends, run the same flows on all of them, and print one verdict.

    Exit codes: 0 green, 1 red, 2 interrupted, 3 internal error, 4 usage or settings,
    5 nothing selected, 10 a required backend is not available.
    """


for command in (
    plan,
    select,
    run,
    report,
    publish,
    up,
    down,
    status,
    doctor,
    logs,
    env,
    shell,
    cache,
):
    cli.add_command(command.command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; every error is one line, except our bugs."""
    try:
        code = cli.main(args=None if argv is None else list(argv), standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output has gone, e.g. `head`
        sys.stderr.close()
        return ExitCode.GREEN
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - each has its exit code
        return _told(error)
    return int(code or ExitCode.GREEN)


def _told(error: BaseException) -> int:
    """Say what went wrong and give the exit code for it."""
    if isinstance(error, click.Abort | KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(error, click.ClickException):
        error.show()
        return ExitCode.USAGE
    if isinstance(error, HarnessError | BackendError):
        masked = Redactor.from_environment(os.environ)
        click.echo(masked(f"error: {error}"), err=True)
        return error.exit_code if isinstance(error, HarnessError) else ExitCode.RED
    if isinstance(error, OSError):  # a path that was named, or the place our output goes to
        reason = error.strerror or str(error)
        where = error.filename or "what is written here"
        click.echo(f"error: {where}: {reason}", err=True)
        _give_up_output()
        return ExitCode.USAGE
    traceback.print_exception(error)  # our own bug: the one case in which a traceback helps
    return ExitCode.INTERNAL


def _give_up_output() -> None:
    """Let Python not try once more at its end to write what cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
