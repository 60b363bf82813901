"""`metaflow worker-pool advise`."""

from __future__ import annotations

from metaflow._vendor import click


@click.group()
def cli() -> None:
    """Hold the one group that Metaflow adds to its commands."""


@cli.group(name="worker-pool", help="Commands related to worker pools.")
def worker_pool() -> None:
    """Hold the commands."""


@worker_pool.command(help="Tell from a past run what a pool would do for a step: FLOW/RUN/STEP.")
@click.argument("pathspec")
@click.option("--cpus", type=int, default=None, help="Of the machine; by default of this one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def advise(pathspec: str, cpus: int | None, *, as_json: bool) -> None:
    """Print the advice, or say in one line why there is none."""
    import json

    from metaflow_extensions.worker_pool.advising.advice import Advice
    from metaflow_extensions.worker_pool.advising.past import items_of
    from metaflow_extensions.worker_pool.errors import WorkerPoolError
    from metaflow_extensions.worker_pool.local import sizing

    try:
        advice = Advice.of(items_of(pathspec), cpus or sizing.cpus())
    except WorkerPoolError as error:
        raise click.ClickException(str(error)) from error
    click.echo(json.dumps(advice.facts()) if as_json else "\n".join(advice.sentences()))
