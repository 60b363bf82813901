"""What of this machine matters for the backends of a matrix: traps, and tools that are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli.preparing import needs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from metaflow_backends.protocol import Needs

    from pytest_metaflow_backends.matrix.model import Column


@dataclass(frozen=True)
class Inventory:
    """Facts for the backends that need more than Python; empty if none of the columns does."""

    traps: Sequence[dict[str, str]] = ()  # those found here: name, why, cure
    tools: Sequence[dict[str, str]] = ()  # name, version, path, origin ("" = not there yet)


def take(columns: Iterable[Column]) -> Inventory:
    """Look around on behalf of these columns; starts and builds nothing."""
    needs = [found for column in columns if (found := _needs(column))]
    if not needs:
        return Inventory()
    from metaflow_backends.host.traps import traps
    from metaflow_backends.preparing import tools

    return Inventory(
        traps=[
            {"name": trap.name, "why": trap.why, "cure": trap.cure}
            for trap in traps()
            if trap.found
        ],
        tools=[_tool(name) for name in dict.fromkeys(t for need in needs for t in tools(need))],
    )


def show(inventory: Inventory) -> None:
    """Print it for a person."""
    for trap in inventory.traps:
        click.secho(f"!! {trap['name']}: {trap['why']}", fg="yellow")
        if trap["cure"]:
            click.echo(f"     {trap['cure']}")
    for tool in inventory.tools:
        where = f"{tool['version']} ({tool['origin']}: {tool['path']})"
        click.echo(f"  {tool['name']:26}{where if tool['path'] else 'not built yet'}")


def _needs(column: Column) -> Needs | None:
    from metaflow_backends.errors import BackendError

    try:
        return needs_of(column)
    except BackendError:  # the finding of its column says so
        return None


def _tool(name: str) -> dict[str, str]:
    from metaflow_backends import toolchain

    found = toolchain.find(name)
    if found is None:
        return {"name": name, "version": "", "path": "", "origin": ""}
    return {
        "name": name,
        "version": found.version,
        "path": str(found.path),
        "origin": found.origin,
    }
