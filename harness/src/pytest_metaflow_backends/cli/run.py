"""`mf-backends run`: one pytest per column, then one report and one verdict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pytest_metaflow_backends.cli import building, settings
from pytest_metaflow_backends.cli.child import Pytest
from pytest_metaflow_backends.cli.expecting import expected_columns
from pytest_metaflow_backends.cli.recordfolder import Earlier, held, refuse_others, set_aside
from pytest_metaflow_backends.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_metaflow_backends.cli.settings import Settings
    from pytest_metaflow_backends.matrix.model import Column

# Ends of a pytest run that no report can turn into something better.
DECISIVE = (ExitCode.INTERRUPTED, ExitCode.INTERNAL, ExitCode.USAGE)


@click.command("run")
@click.option(
    "--backend",
    "-b",
    "names",
    multiple=True,
    metavar="NAMES",
    help="Columns to run, e.g. local,k8s/kind; may be given again (default: the "
    "matrix's default columns, and those required here).",
)
@click.option("--all-variants", is_flag=True, help="Run the variants too that are not default.")
@click.option("--require", is_flag=True, help="Every column named here must run.")
@click.option(
    "--output",
    "-o",
    default="report",
    metavar="DIR",
    show_default=True,
    help="Folder for records and reports; those of an earlier run are replaced.",
)
@click.option(
    "--mark",
    "-m",
    default="",
    metavar="EXPRESSION",
    help="Further pytest marker expression, e.g. smoke or 'not slow'.",
)
@click.option("--append", is_flag=True, help="Keep earlier records in DIR: one report of both.")
@click.option("--title", default="Backend matrix", show_default=True)
@settings.matrix_option
@settings.state_option
@settings.context_option
@click.argument("pytest_args", nargs=-1, type=click.UNPROCESSED)
def command(
    names: tuple[str, ...],
    all_variants: bool,
    require: bool,
    output: str,
    mark: str,
    append: bool,
    title: str,
    matrix: str | None,
    state: str | None,
    context: str | None,
    pytest_args: tuple[str, ...],
) -> int:
    """Run the tests of PYTEST_ARGS (default: the project's) on every column, then report.

    Arguments after `--` go to pytest as they are.
    """
    chosen = settings.read(matrix, state, context)
    columns = chosen.columns(names, all_variants=all_variants)
    folder = Path(output).absolute()
    records = folder / "records"
    refuse_others(folder)
    building.allowed_in(chosen)  # its mistakes are told before the tests, not after
    argv = {
        c.name: arguments(c, chosen, records, mark=mark, require=require, extra=pytest_args)
        for c in columns
    }
    with held(folder):
        earlier = Earlier.in_(records)
        codes = run_after(earlier, argv, folder, chosen.root)
        if not earlier.succeeded:
            click.echo("no test run began: earlier records and reports are as they were", err=True)
            return worst([*codes, ExitCode.USAGE])
        if not append:
            earlier.remove()
        expected = expected_columns(columns, chosen.context, required=require)
        order = building.Order(records, expected, title)
        report = building.build_and_write(order, folder, chosen)
    code = worst([*codes, report.verdict.exit_code])
    return idle(codes, require=require) if append and code == ExitCode.GREEN else code


def run_after(
    earlier: Earlier, argv: Mapping[str, Sequence[str]], folder: Path, root: Path
) -> list[int]:
    """Run all columns while earlier reports are out of the way; gives how each ended."""
    with set_aside(folder, earlier):
        codes = run_all(argv, earlier.folder, root)
        if earlier.files and set(codes) == {ExitCode.USAGE}:
            earlier.remove_newer()  # nothing but the mistake, which was told
    return codes


def run_all(argv: Mapping[str, Sequence[str]], records: Path, root: Path) -> list[int]:
    """Run one pytest after the other, until one is interrupted; gives how each ended."""
    codes: list[int] = []
    pytest = Pytest()
    for number, (column, words) in enumerate(argv.items(), 1):
        click.echo(f"[{number}/{len(argv)}] {column}", err=True)
        before = {*records.glob("*.jsonl")}
        codes.append(pytest.run(words, root))
        if codes[-1] == ExitCode.GREEN and before == {*records.glob("*.jsonl")}:
            click.echo(f"{column}: pytest ended with 0 and recorded nothing", err=True)
            codes[-1] = ExitCode.RED
        if pytest.stopped or (codes[-1] == ExitCode.INTERRUPTED and _interrupted(records)):
            return [*codes, ExitCode.INTERRUPTED]
    return codes


def idle(codes: Sequence[int], *, require: bool) -> int:
    """Give the code for columns without a test this time, which earlier records may hide."""
    nothing = [code == ExitCode.NOTHING_SELECTED for code in codes]
    if not (any(nothing) if require else all(nothing)):
        return ExitCode.GREEN
    click.echo("no test was selected this time; what is green ran earlier", err=True)
    return ExitCode.NOTHING_SELECTED


def arguments(
    column: Column,
    chosen: Settings,
    records: Path,
    *,
    mark: str,
    require: bool,
    extra: Sequence[str],
) -> list[str]:
    """Give pytest's arguments for one column."""
    marker = chosen.matrix.marker(column.backend)
    expression = f"{marker} and ({mark})" if mark else marker
    return [
        *_workers(column),
        "-m",
        expression,
        f"--metaflow-matrix={chosen.matrix.path}",
        f"--metaflow-backend={column.name}",
        f"--metaflow-records={records}",
        f"--metaflow-state={chosen.state}",
        f"--metaflow-context={chosen.context}",
        *([f"--metaflow-require={column.name}"] if require else []),
        *extra,
    ]


def worst(codes: Sequence[int]) -> int:
    """Give the code that says most: a decisive end, else the verdict, which is last.

    A green verdict is none if a pytest ended red after its records were written.
    """
    for code in DECISIVE:
        if code in codes:
            return code
    red = [code for code in codes if code not in {ExitCode.GREEN, ExitCode.NOTHING_SELECTED}]
    return codes[-1] or max(red, default=ExitCode.GREEN)


def _workers(column: Column) -> Iterator[str]:
    from importlib.util import find_spec

    if column.workers and column.workers > 1 and find_spec("xdist"):
        yield from ("-n", str(column.workers))


def _interrupted(records: Path) -> bool:
    """Tell a run that was interrupted before it recorded anything; other ends with 2 go on."""
    newest = max(records.glob("*.jsonl"), key=lambda path: path.stat().st_mtime, default=None)
    return newest is None
