"""`mf-backends env`: the variables that let a person run a flow on a started backend."""

from __future__ import annotations

import json
import os
import shlex
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.cli.standing import standing
from pytest_metaflow_backends.errors import ExitCode
from pytest_metaflow_backends.lifecycle.active import identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@click.command("env")
@click.argument("name")
@settings.matrix_option
@settings.state_option
@settings.json_option
def command(name: str, matrix: str | None, state: str | None, as_json: bool) -> int:
    """Print `export` lines for NAME, which must be up: eval "$(mf-backends env local)"."""
    chosen = settings.read(matrix, state)
    column = chosen.column(name)
    variables = {**identity(os.environ), **standing(chosen, column).environment}
    if as_json:
        click.echo(json.dumps(variables, indent=2))
    else:
        for line in exports(variables):
            click.echo(line)
    return ExitCode.GREEN


def exports(variables: Mapping[str, str | None]) -> Iterator[str]:
    """Yield lines for a POSIX shell; a value of None unsets."""
    for name, value in sorted(variables.items()):
        yield f"unset {name}" if value is None else f"export {name}={shlex.quote(value)}"
