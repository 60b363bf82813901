"""`flow.py nomad step|list|kill`."""

from __future__ import annotations

from typing import Any

from metaflow._vendor import click


@click.group()
def cli() -> None:
    """Hold the one group that Metaflow adds to a flow's commands."""


@cli.group(help="Commands related to Nomad.")
def nomad() -> None:
    """Hold the commands."""


_PASSED_ON = (
    "run-id", "task-id", "input-paths", "split-index", "clone-path", "clone-run-id", "namespace",
)  # fmt: skip


def _step_options(command: Any) -> Any:
    """Add what is handed on to Metaflow's own step."""
    for name in _PASSED_ON:
        command = click.option(f"--{name}", default=None, help="Passed to 'step'.")(command)
    command = click.option("--tag", multiple=True, default=None, help="Passed to 'step'.")(command)
    command = click.option("--ubf-context", default=None, hidden=True)(command)
    for name in ("retry-count", "max-user-code-retries"):
        command = click.option(f"--{name}", default=0, type=int, help="Passed to 'step'.")(command)
    return command


@nomad.command(help="Run one task on Nomad; Metaflow calls this, people rarely do.")
@click.argument("step-name")
@click.argument("code-package-metadata")
@click.argument("code-package-sha")
@click.argument("code-package-url")
@click.option("--spec", required=True, help="What @nomad says, as JSON.")
@click.option("--limit", type=float, default=None, help="Seconds of @timeout.")
@_step_options
@click.pass_context
def step(
    ctx: Any,
    step_name: str,
    code_package_metadata: str,
    code_package_sha: str,
    code_package_url: str,
    spec: str,
    limit: float | None,
    **passed: Any,
) -> None:
    """Run one task on Nomad and end as it did."""
    from metaflow_extensions.nomad.job.command import Package
    from metaflow_extensions.nomad.spec import Spec
    from metaflow_extensions.nomad.trampoline import Trampoline

    package = Package(code_package_metadata, code_package_sha, code_package_url)
    trampoline = Trampoline(ctx, step_name, package, Spec.from_json(spec), limit, passed)
    ctx.exit(trampoline.run())


def _chosen(command: Any) -> Any:
    """Add the options that say whose tasks are meant."""
    for option in (
        click.option("--run-id", default=None, help="Of this run; by default the newest."),
        click.option("--user", default=None, help="Of this user."),
        click.option("--my-runs", is_flag=True, help="Of all my runs."),
    ):
        command = option(command)
    return command


@nomad.command(name="list", help="List unfinished tasks of this flow.")
@_chosen
@click.pass_obj
def list_tasks(obj: Any, run_id: str | None, user: str | None, *, my_runs: bool) -> None:
    """List what has not ended."""
    _, found = _unfinished(obj, run_id, user, my_runs=my_runs)
    for job in found:
        obj.echo(job.line(), fg="cyan", bold=False)
    if not found:
        obj.echo("No unfinished tasks on Nomad.")


@nomad.command(help="Stop unfinished tasks of this flow; they are not tried again.")
@_chosen
@click.pass_obj
def kill(obj: Any, run_id: str | None, user: str | None, *, my_runs: bool) -> None:
    """Stop what has not ended."""
    client, found = _unfinished(obj, run_id, user, my_runs=my_runs)
    for job in found:
        client.within(job.namespace).deregister(job.name)
        obj.echo(f"Stopped {job.pathspec} attempt {job.attempt}", fg="cyan", bold=False)
    if not found:
        obj.echo("No unfinished tasks on Nomad.")


def _unfinished(
    obj: Any, run_id: str | None, user: str | None, *, my_runs: bool
) -> tuple[Any, list[Any]]:
    from metaflow.plugins.kubernetes.kube_utils import parse_cli_options
    from metaflow_extensions.nomad import listing
    from metaflow_extensions.nomad.api.client import Client

    flow, run, whose = parse_cli_options(obj.flow.name, run_id, user, my_runs, obj.echo)
    client = Client.here(patience=10)
    return client, list(listing.unfinished(client, flow, run, whose))
