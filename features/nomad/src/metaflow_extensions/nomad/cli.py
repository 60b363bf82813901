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
