"""`metaflow function list|show|check|diff|explain|serve|run`."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from metaflow._vendor import click

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.group()
def cli() -> None:
    """Hold the one group that Metaflow adds to its commands."""


@cli.group(help="Functions that are bound to finished tasks.")
def function() -> None:
    """Hold the commands."""


@contextmanager
def _in_one_line() -> Iterator[None]:
    """End with 1 and the one line that a mistake has."""
    from metaflow_extensions.functions.errors import FunctionError

    try:
        yield
    except FunctionError as error:
        click.echo(f"metaflow function: {error}", err=True)
        sys.exit(1)


def _json(command: Any) -> Any:
    return click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")(command)


def _backend(command: Any) -> Any:
    text = "process, in the recorded environment; ray, in actors; or local, in this process."
    return click.option("--backend", default="process", show_default=True, help=text)(command)


@function.command(name="list", help="List references, the newest first.")
@click.option("--root", default=None, help="The folder they are in; by default beside the runs.")
@_json
def list_references(root: str | None, *, as_json: bool) -> None:
    """List what was bound."""
    from metaflow_extensions.functions.telling import as_text, listed

    with _in_one_line():
        rows = listed(root)
    if as_json:
        click.echo(as_text([row.as_dict() for row in rows]))
        return
    for row in rows:
        click.echo(row.line())
    if not rows:
        click.echo("no functions have been bound here", err=True)


@function.command(help="Show what a reference says.")
@click.argument("reference")
@_json
def show(reference: str, *, as_json: bool) -> None:
    """Show a reference in lines, or as it is."""
    from metaflow_extensions.functions.loading import read_reference
    from metaflow_extensions.functions.telling import as_text, shown

    with _in_one_line():
        found, _ = read_reference(reference)
    if as_json:
        click.echo(as_text({"uuid": found.uuid, **found.as_dict()}))
    else:
        click.echo("\n".join(shown(found)))


@function.command(help="Check all hashes, and that the example gives here what it gave at bind.")
@click.argument("reference")
@_backend
@_json
def check(reference: str, backend: str, *, as_json: bool) -> None:
    """Try everything that a call needs; ends with 1 if something fails."""
    from metaflow_extensions.functions.checking import checks
    from metaflow_extensions.functions.telling import as_text

    with _in_one_line():
        found = []
        for one in checks(reference, backend):
            found.append(one)
            if not as_json:
                click.echo(one.line())
    if as_json:
        click.echo(as_text([one.as_dict() for one in found]))
    sys.exit(0 if all(one.passed for one in found) else 1)


@function.command(help="Say what differs between two references; ends with 1 if something does.")
@click.argument("first")
@click.argument("second")
@_json
def diff(first: str, second: str, *, as_json: bool) -> None:
    """Compare code files, packages, artifacts and schemas."""
    from metaflow_extensions.functions.differing import differences
    from metaflow_extensions.functions.telling import as_text

    with _in_one_line():
        found = differences(first, second)
    if as_json:
        click.echo(as_text([one.as_dict() for one in found]))
    else:
        for one in found:
            click.echo(one.line())
    sys.exit(1 if found else 0)


@function.command(
    help="Say in sentences what a function is, and what it would take to run it here."
)
@click.argument("reference")
def explain(reference: str) -> None:
    """Explain a reference."""
    from metaflow_extensions.functions.telling import explained

    with _in_one_line():
        lines = explained(reference)
    click.echo("\n".join(lines))


@function.command(help="Run a record: JSON, or - for one on each line of the standard input.")
@click.argument("reference")
@click.argument("record")
@_backend
def run(reference: str, record: str, backend: str) -> None:
    """Run one record, or many; results are JSON, one a line."""
    from metaflow_extensions.functions.telling import ran

    with _in_one_line():
        for line in ran(reference, record, sys.stdin, backend):
            click.echo(line)


@function.command(help="Serve a function over HTTP, with OpenAPI at /docs.")
@click.argument("reference")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=int)
@click.option("--workers", default=1, show_default=True, type=int, help="Processes that run calls.")
@_backend
def serve(reference: str, host: str, port: int, workers: int, backend: str) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    from metaflow_extensions.functions.web.serving import serve as serving

    options = {} if backend == "local" else {"workers": workers}
    with _in_one_line():
        serving(reference, host, port, backend, options)
