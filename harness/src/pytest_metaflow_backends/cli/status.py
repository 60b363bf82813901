"""`mf-backends status`: what is up, since when, where, and whether it answers."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_metaflow_backends.lifecycle import Status


@click.command("status")
@settings.matrix_option
@settings.state_option
@settings.json_option
def command(matrix: str | None, state: str | None, as_json: bool) -> int:
    """Show every started backend: health, age, memory, endpoints, versions, owner.

    Ends with 1 if one of them does not answer.
    """
    from pytest_metaflow_backends.lifecycle import status

    chosen = settings.read(matrix, state)
    found = status(chosen.state)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=2))
    elif found:
        _print(found)
    else:
        click.echo("nothing is up")
    return ExitCode.GREEN if all(one.health.alive for one in found) else ExitCode.RED


def _print(found: Sequence[Status]) -> None:
    from rich.console import Console
    from rich.table import Column, Table

    names = ("backend", "health", "age", "memory", "endpoints", "versions", "owner")
    table = Table(*(Column(name, overflow="fold") for name in names))  # nothing is cut
    for one in found:
        health = one.phase if one.health.alive else f"{one.phase}: {one.health.reason}"
        table.add_row(
            one.column,
            health,
            f"{one.age:.0f} s",
            f"{one.memory / 2**20:.0f} MiB",
            _pairs(one.endpoints),
            _pairs(one.versions),
            one.owner,
        )
    Console().print(table)


def _pairs(values: object) -> str:
    return "\n".join(f"{name} {value}" for name, value in dict(values).items())  # type: ignore[call-overload]
