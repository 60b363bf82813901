"""The report on a terminal; plain ASCII words wherever the output is no terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from pytest_metaflow_backends.report import text, words
from pytest_metaflow_backends.report.model import Judgement, State
from pytest_metaflow_backends.report.verdict import summary
from pytest_metaflow_backends.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console

    from pytest_metaflow_backends.report.model import ColumnVerdict, Detail, Grid, Group, Report

GLYPHS: Mapping[State, str] = {
    State.ABSENT: " ",
    State.PASSED: "✓",
    State.FLAKY: "~",
    State.FAILED: "✗",
    State.ERROR: "✗",
    State.CRASHED: "✗",
    State.TIMEOUT: "✗",
    State.XPASSED: "✗",
    State.XFAILED: "x",
    State.SKIPPED: "-",
    State.NOT_RUN: "○",
    State.MISSING: "?",
}
STYLES: Mapping[State, str] = {
    State.ABSENT: "dim",
    State.PASSED: "green",
    State.FLAKY: "yellow",
    State.XFAILED: "green dim",
    State.SKIPPED: "dim",
    State.NOT_RUN: "yellow",
}  # everything else is red
JUDGED: Mapping[Judgement, str] = {
    Judgement.SUCCESS: "bold green",
    Judgement.FAILURE: "bold red",
    Judgement.NEUTRAL: "yellow",
}
ROWS = 200  # rows of the grid that are shown at most
FILES = 30
GROUPS = 20
MEMBERS = 5  # tests of a group that are named
LISTED = 20  # entries of the other lists
MESSAGE = 6  # lines of a message
CELL, GAP, INDENT, MIN_LABEL, MAX_LABEL, WIDEST = 9, 2, 2, 24, 90, 200  # characters


@dataclass(frozen=True)
class _Page:
    """Where we write: decides between glyphs and bare words, and how wide things may be."""

    console: Console
    width: int
    glyphs: bool

    def line(self, content: str = "", style: str = "", indent: int = 0) -> None:
        """Print one line of text that is no markup, wrapped only where a person looks."""
        self.text(Text(" " * indent + self.legible(content), style=style))

    def text(self, content: Text) -> None:
        self.console.print(content, soft_wrap=True, highlight=False)

    def heading(self, content: str) -> None:
        self.line()
        self.line(content, style="bold")

    def legible(self, content: str) -> str:
        """Escape what the output's encoding cannot hold."""
        encoding = self.console.encoding or "utf-8"
        return text.plain(content).encode(encoding, "backslashreplace").decode(encoding)


def render(
    report: Report, console: Console, *, rows: int = ROWS, stop_token: str | None = None
) -> None:
    """Print grid, failures, disagreements, what did not run, flaky, slowest, and the verdict last.

    `stop_token` (any random text) keeps a GitHub job from obeying workflow commands inside.
    """
    page = _page(console, report)
    if stop_token:
        page.line(f"::stop-commands::{stop_token}")
    page.line(report.title, style="bold")
    _grid(page, report.grid, rows)
    _failures(page, report)
    _disagreements(page, report)
    _differences(page, report)
    _details(page, "Not run", report.not_run)
    _skipped(page, report.skipped)
    _details(page, "Flaky", report.flaky)
    _slowest(page, report)
    _damage(page, report)
    _columns(page, report.verdict.columns)
    _verdict(page, report)
    if stop_token:
        page.line(f"::{stop_token}::")


def _page(console: Console, report: Report) -> _Page:
    if console.is_terminal:
        utf = (console.encoding or "").lower().startswith("utf")
        return _Page(console, console.width, glyphs=utf)
    # A pipe has no width: take what the grid needs, within reason.
    label = max((len(words.test_of(key)) for key in report.grid.keys), default=0) + INDENT
    cells = sum(_cell_width(name) + GAP for name in report.grid.columns)
    needed = min(label, MAX_LABEL) + cells
    return _Page(console, max(console.width, min(needed, WIDEST)), glyphs=False)


def _grid(page: _Page, grid: Grid, limit: int) -> None:
    """Show all rows if they are few, else the ones with something to see, and counts per file."""
    total = len(grid.keys)
    rows: Sequence[int] = range(total)
    if total > limit:
        rows = words.interesting(grid, limit)
        page.line(f"{total} tests; shown are {len(rows)} with something to see", style="dim")
    longest = max((len(words.test_of(grid.keys[row])) for row in rows), default=0) + INDENT
    for columns, label in _chunks(grid.columns, longest, page.width):
        page.line()
        _part(page, grid, rows, columns, label)
    if total > limit:
        _files(page, grid)


def _chunks(
    columns: Sequence[str], longest: int, width: int
) -> Iterator[tuple[Sequence[str], int]]:
    """Cut a grid that is too wide into several; give columns and the room for tests' names."""
    cells = sum(_cell_width(name) + GAP for name in columns)
    if cells + MIN_LABEL <= width:
        yield columns, min(longest, width - cells)
        return
    label = max(MIN_LABEL, min(longest, width // 2))
    per = max(1, (width - label) // (max(map(_cell_width, columns)) + GAP))
    for start in range(0, len(columns), per):
        yield columns[start : start + per], label


def _cell_width(column: str) -> int:
    return max(CELL, len(words.column(column)))


def _part(page: _Page, grid: Grid, rows: Iterable[int], columns: Sequence[str], label: int) -> None:
    heading = Text(" " * label)
    for name in columns:
        shown = page.legible(words.column(name))
        heading.append(f"{'':{GAP}}{shown:<{_cell_width(name)}}", "bold")
    page.text(heading)
    file = None
    for row in rows:
        key = grid.keys[row]
        if "::" in key and words.file_of(key) != file:
            file = words.file_of(key)
            page.line(file, style="dim")
        name = page.legible(" " * INDENT * ("::" in key) + words.test_of(key))
        if cell_len(name) > label:  # a name that is too long has a line of its own
            page.text(Text(name))
            name = ""
        page.text(_row(page, grid, row, columns, Text(name + " " * (label - cell_len(name)))))


def _row(page: _Page, grid: Grid, row: int, columns: Sequence[str], line: Text) -> Text:
    for name in columns:
        state = grid.state(row, name)
        word = words.CELL[state]
        shown = f"{GLYPHS[state]} {word}" if page.glyphs and word else word
        line.append(" " * GAP)
        line.append(f"{shown:<{_cell_width(name)}}", STYLES.get(state, "bold red"))
    line.rstrip()
    return line


def _files(page: _Page, grid: Grid) -> None:
    counts = words.by_file(grid)
    worst = sorted(counts, key=lambda file: -sum(n for s, n in counts[file].items() if s.red))
    page.heading(f"{len(counts)} files")
    for file in worst[:FILES]:
        page.line(f"{file}: {summary(counts[file])}", indent=2)
    _more(page, len(worst) - FILES)


def _failures(page: _Page, report: Report) -> None:
    if not report.groups:
        return
    total = sum(len(group.details) for group in report.groups)
    page.heading(f"Failures: {total} in {counted(len(report.groups), 'group')}")
    for group in report.groups[:GROUPS]:
        _group(page, report, group)
    _more(page, len(report.groups) - GROUPS)


def _group(page: _Page, report: Report, group: Group) -> None:
    page.line()
    page.line(text.one_line(group.headline, 500), style="red", indent=2)
    _message(page, group.details[0])
    for detail in group.details[:MEMBERS]:
        page.line(f"{words.place(detail)}  [{words.column(detail.column)}]", indent=4)
        page.line(report.reproduce(detail), style="cyan", indent=6)
        for task in words.failed_tasks(detail):
            page.line(f"task {words.identity(task)}", indent=6)
    _more(page, len(group.details) - MEMBERS, indent=4)


def _message(page: _Page, detail: Detail) -> None:
    lines = text.plain(detail.message).splitlines()
    for line in lines[:MESSAGE]:
        page.line(f"| {text.one_line(line)}", style="dim", indent=4)
    _more(page, len(lines) - MESSAGE, indent=4)


def _disagreements(page: _Page, report: Report) -> None:
    if not report.disagreements:
        return
    page.heading(f"Columns disagree on {counted(len(report.disagreements), 'test')}")
    for row in report.disagreements[:LISTED]:
        page.line(f"{report.grid.keys[row]}: {words.ends(report.grid, row)}", indent=2)
    _more(page, len(report.disagreements) - LISTED)


def _differences(page: _Page, report: Report) -> None:
    if not report.differences:
        return
    page.heading(f"Runs left different things behind in {len(report.differences)} places")
    for found in report.differences[:LISTED]:
        page.line(text.one_line(f"{found.key} {found.name} {found.field}"), indent=2)
        for name, value in found.values.items():
            page.line(f"{words.column(name)}: {text.one_line(value)}", indent=4)
    _more(page, len(report.differences) - LISTED)


def _details(page: _Page, title: str, details: Sequence[Detail]) -> None:
    if not details:
        return
    page.heading(f"{title}: {len(details)}")
    for detail in details[:LISTED]:
        reason = text.one_line(detail.message or detail.skip_reason)
        page.line(f"{detail.nodeid} [{words.column(detail.column)}]: {reason}", indent=2)
    _more(page, len(details) - LISTED)


def _skipped(page: _Page, details: Sequence[Detail]) -> None:
    if not details:
        return
    page.heading(f"Skipped: {len(details)}")
    found = words.by_reason(details)
    for name, reason, members in found[:LISTED]:
        page.line(f"{reason} [{words.column(name)}]: {words.some(members)}", indent=2)
    _more(page, len(found) - LISTED)


def _slowest(page: _Page, report: Report) -> None:
    if not report.slowest:
        return
    page.heading("Slowest")
    for key, column, seconds in report.slowest:
        page.line(f"{words.duration(seconds):>10}  {key} [{words.column(column)}]", indent=2)


def _damage(page: _Page, report: Report) -> None:
    for title, lines in (("Killed while running", report.killed), ("Damaged", report.damage)):
        if lines:
            page.heading(f"{title}: {len(lines)}")
            for line in lines[:LISTED]:
                page.line(line, style="red", indent=2)
            _more(page, len(lines) - LISTED)


def _columns(page: _Page, columns: Sequence[ColumnVerdict]) -> None:
    page.line()
    width = max((len(words.column(c.column)) for c in columns), default=0)
    for column in columns:
        need = "required" if column.required else "optional"
        name = f"{words.column(column.column):<{width}}"
        said = f"{name}  {need}  {column.judgement.value:<7}  {text.one_line(column.reason, 500)}"
        page.line(said, style=JUDGED[column.judgement])


def _verdict(page: _Page, report: Report) -> None:
    verdict = report.verdict
    page.line()
    said = f"{verdict.judgement.value.upper()}: {text.one_line(verdict.reason, 1_000)}"
    page.line(said, style=JUDGED[verdict.judgement])


def _more(page: _Page, count: int, indent: int = 2) -> None:
    if count > 0:
        page.line(f"and {count} more", style="dim", indent=indent)
