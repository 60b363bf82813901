"""`mf-backends shell`: a shell, or one command, with everything set for a started backend."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.cli.standing import standing
from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_metaflow_backends.lifecycle import Active


@click.command("shell", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND...]")
@settings.matrix_option
@settings.state_option
def command(name: str, argv: tuple[str, ...], matrix: str | None, state: str | None) -> None:
    """Open a shell in which flows run on NAME, which must be up; or run COMMAND in it.

    `mf-backends shell k8s -- python flow.py run` ends with the exit code of the command. The
    backend's own client, e.g. kubectl or nomad, is on PATH where we have built it.
    """
    chosen = settings.read(matrix, state)
    (column,) = chosen.columns([name])[:1]
    environment = within(standing(chosen, column), os.environ)
    wanted = list(argv) or [environment.get("SHELL") or "/bin/sh"]
    program = shutil.which(wanted[0], path=environment.get("PATH"))
    if program is None:
        raise UsageError(f"there is no program {wanted[0]!r} on PATH")
    if not argv:
        click.echo(f"flows run on {column.name} here; exit ends it", err=True)
    os.execve(program, wanted, environment)  # noqa: S606 - no shell parses anything


def within(active: Active, base: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of flows, with the backend's own clients first on PATH."""
    from metaflow_backends import toolchain

    environment = active.environ(base)
    tools = [toolchain.find(name) for name in active.running.details.get("programs", ())]
    # One on PATH is found there; its folder holds other programs, too.
    folders = [str(tool.path.parent) for tool in tools if tool and tool.origin == "built"]
    usual = environment.get("PATH", os.defpath)
    return {**environment, "PATH": os.pathsep.join([*folders, usual])}
