"""`mf-backends select`: which columns and tests a change needs, and why."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pytest_metaflow_backends import changed, changes
from pytest_metaflow_backends.cli import settings
from pytest_metaflow_backends.errors import ExitCode, UsageError
from pytest_metaflow_backends.github import event as github_event
from pytest_metaflow_backends.report.text import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_metaflow_backends.changes import Selection
    from pytest_metaflow_backends.cli.settings import Settings


@click.command("select")
@click.option(
    "--base",
    metavar="COMMIT",
    help="Compare with where COMMIT and HEAD parted (in a job of GitHub: as its event says).",
)
@click.option(
    "--changed",
    "listed",
    metavar="FILE",
    help="Read the changed paths from FILE, one per line, instead of asking git; - is stdin.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="LABEL",
    help="A label of the pull request: backends:all and backend:NAME add columns; may be repeated.",
)
@click.option("--output", "-o", metavar="FILE", help="Write the selection as JSON to FILE too.")
@settings.matrix_option
@settings.context_option
@settings.json_option
def command(
    base: str | None,
    listed: str | None,
    labels: tuple[str, ...],
    output: str | None,
    matrix: str | None,
    context: str | None,
    as_json: bool,
) -> int:
    """Choose the columns and tests that a change needs, by the rules of the matrix.

    A path that no rule knows needs everything. In a job of GitHub Actions the commit to compare
    with and the labels come from its event, and the job's outputs `columns`, `tests`, `any` and
    `matrix` are set.
    """
    chosen = settings.read(matrix, None, context)
    paths, asked = _change(base, listed, chosen)
    selection = changes.select(chosen.matrix, paths, [*labels, *asked], context=chosen.context)
    _refuse_missing(selection.tests or (), chosen.root)
    facts = describe(selection)
    text = json.dumps(facts, indent=2)
    if output:
        _write(Path(output), f"{text}\n")
    if path := os.environ.get("GITHUB_OUTPUT"):
        _set_outputs(facts, Path(path))
    click.echo(text if as_json else _said(selection))
    return ExitCode.GREEN


def _change(
    base: str | None, listed: str | None, chosen: Settings
) -> tuple[list[str], tuple[str, ...]]:
    """Give the paths of the change and the labels that its event carries; no path = all."""
    if base and listed:
        raise UsageError("--base and --changed both say what has changed; give one of them")
    labels: tuple[str, ...] = ()
    if github_event.inside(os.environ):
        event = github_event.read(os.environ)
        base, labels = base or event.base, event.labels
    elif not base and not listed:
        raise UsageError("nothing says what has changed: --base COMMIT, or --changed FILE")
    if listed:
        return _lines(listed), labels
    return (changed.since(base, chosen.root) if base else []), labels


def _lines(file: str) -> list[str]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise UsageError(f"--changed {file}: {error.strerror or error}") from error
    return [line for line in text.splitlines() if line]


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--output {path}: {error.strerror or error}") from error


def _refuse_missing(tests: Sequence[str], root: Path) -> None:
    """Refuse rules that name tests which are not there: they would select nothing."""
    if gone := [test for test in tests if not (root / test).exists()]:
        raise UsageError(f"select.rules: there are no tests {', '.join(gone)} below {root}")


def describe(selection: Selection) -> dict[str, Any]:
    """Give a selection as JSON; `tests` is null if all are meant."""
    tests = selection.tests
    return {
        "columns": list(selection.columns),
        "tests": None if tests is None else list(tests),
        "reasons": list(selection.reasons),
        "passed_over": list(selection.passed_over),
    }


def _set_outputs(facts: dict[str, Any], path: Path) -> None:
    """Set the outputs of a GitHub job: every value is one line of JSON or plain words.

    Names of columns have a slash, which names of artifacts must not have.
    """
    rows = [{"column": name, "artifact": name.replace("/", "+")} for name in facts["columns"]]
    outputs = {
        "columns": ",".join(facts["columns"]),
        "tests": " ".join(facts["tests"] or ()),
        "any": json.dumps(bool(rows)),
        "matrix": json.dumps({"include": rows}),
    }
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(f"{name}={value}\n" for name, value in outputs.items())


def _said(selection: Selection) -> str:
    columns = ", ".join(selection.columns) or "none"
    tests = "all" if selection.tests is None else ", ".join(selection.tests) or "none"
    needs = [*selection.reasons, *selection.passed_over]
    # A file's name may hold line breaks, and so commands to a runner.
    return "\n".join([f"columns: {columns}", f"tests: {tests}", *map(_indented, needs)])


def _indented(line: str) -> str:
    return f"  {identifier(line)}"
