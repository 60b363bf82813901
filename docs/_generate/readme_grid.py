"""Put the grid of the tutorial flows into README.md, drawn as `make matrix` prints it.

Usage: readme_grid.py report/report.json [--check]. Rows of other tests and columns that did not
run all of these are left out; the verdict below the grid is that of what is shown.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from pages import DOCS, finish_file, whole_columns
from pytest_metaflow_backends.report import terminal
from pytest_metaflow_backends.report.model import Grid, Report, State
from pytest_metaflow_backends.report.verdict import ColumnFacts, RunFacts, judge
from rich.console import Console

README = DOCS.parent / "README.md"
START, END = "<!-- grid:start -->", "<!-- grid:end -->"
SHOWN = "harness/conformance/test_tutorials.py"
TITLE = "Metaflow's tutorials"


def tutorials(report: dict[str, Any]) -> Grid:
    """Cut rows and columns out of a JSON report."""
    grid = Grid()
    shown = [test for test in report["tests"] if test["key"].startswith(SHOWN)]
    for name in whole_columns(report, shown):
        grid.add_column(name)
    for test in shown:
        grid.keys.append(test["key"])
        grid.lines.append(test["line"])
        for name in grid.columns:
            state = test["cells"].get(name, {}).get("state", "absent")
            grid.states[name].append(State[state.upper()])
            grid.seconds[name].append(0.0)
    return grid


def facts(grid: Grid, name: str) -> ColumnFacts:
    cells = grid.states[name]
    return ColumnFacts(name, required=True, counts={s: n for s in State if (n := cells.count(s))})


def draw(grid: Grid) -> str:
    """Render a grid and its verdict as the terminal shows them in a pipe."""
    columns = [facts(grid, name) for name in grid.columns]
    verdict = judge(RunFacts(columns=columns, sessions=len(columns)))
    out = io.StringIO()
    terminal.render(Report(grid=grid, verdict=verdict, title=TITLE), Console(file=out, width=80))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines())


def with_grid(text: str, grid: str) -> str:
    """Replace what stands between the two marks of a README."""
    before, start, rest = text.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise SystemExit(f"{README.name} lacks the line {START} or {END}: put them back")
    return f"{before}{START}\n```text\n{grid}\n```\n{END}{after}"


def main() -> int:
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    grid = tutorials(report)
    if not grid.keys:
        print(f"{sys.argv[1]} has no test of {SHOWN}: make matrix", file=sys.stderr)
        return 1
    text = with_grid(README.read_text(encoding="utf-8"), draw(grid))
    return finish_file(README, text, "make matrix pages")


if __name__ == "__main__":
    sys.exit(main())
