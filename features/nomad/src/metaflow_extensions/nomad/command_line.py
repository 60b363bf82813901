"""`metaflow nomad check`."""

from __future__ import annotations

from typing import Any

from metaflow._vendor import click


@click.group()
def cli() -> None:
    """Hold the one group that Metaflow adds to its commands."""


@cli.group(help="Commands related to Nomad.")
def nomad() -> None:
    """Hold the commands."""


@nomad.command(help="Try all that a step needs, from the address to the datastore inside a job.")
@click.option("--driver", default=None, help="As in @nomad; by default what the settings say.")
@click.option("--image", default=None, help="As in @nomad.")
@click.option("--timeout", default=120.0, show_default=True, help="Seconds for the job.")
@click.pass_context
def check(ctx: Any, driver: str | None, image: str | None, timeout: float) -> None:
    """Print one line for each thing that is tried; end with 1 if one fails."""
    from metaflow_extensions.nomad.checking import run

    failed = False
    for finding in run(driver, image, timeout):
        failed |= not finding.passed
        click.echo(finding.line())
    ctx.exit(1 if failed else 0)
