"""The blocks that reports in GitHub flavoured Markdown are made of.

Each is whole in itself: fences and `<details>` close, and no text of others takes effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_metaflow_backends.report import words
from pytest_metaflow_backends.report.model import Judgement, State
from pytest_metaflow_backends.report.text import md_code, md_fence, md_html, md_inline
from pytest_metaflow_backends.report.verdict import summary, totals
from pytest_metaflow_backends.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pytest_metaflow_backends.report.model import (
        ColumnVerdict,
        Detail,
        Difference,
        Grid,
        Group,
        Report,
    )

MARKS: Mapping[State, str] = {
    State.PASSED: "✅",
    State.FLAKY: "🟡",
    State.XFAILED: "☑️",
    State.SKIPPED: "⏭️",
    State.NOT_RUN: "⚪",
    State.ABSENT: "",
    State.MISSING: "❓",
}  # everything else is red
JUDGED: Mapping[Judgement, str] = {
    Judgement.SUCCESS: "✅",
    Judgement.FAILURE: "❌",
    Judgement.NEUTRAL: "⚪",
}
TRACE = 6_000  # characters of a traceback
TAIL = 3_000  # characters of what a task wrote
MEMBERS = 10  # tests of a group with a line to copy
LISTED = 50  # rows of every other list
COLUMNS = 30  # columns of a table


def head(report: Report) -> str:
    """Say title, judgement, number of failures and the reason."""
    verdict = report.verdict
    mark = JUDGED[verdict.judgement]
    return (
        f"## {mark} {md_inline(report.title)}: {verdict.judgement.value}\n\n"
        f"{tally(report)}{md_inline(verdict.reason, 1_000)}\n\n"
    )


def tally(report: Report) -> str:
    """Say how many results are red, and how many are in which state."""
    states = summary(totals(report.verdict.columns))
    return f"**{failed(report)}**, {md_inline(states, 500)}\n\n"


def counts(report: Report) -> str:
    """Say the least there is to say; survives a cut anywhere."""
    return f"{report.verdict.judgement.value}: {failed(report)}. {md_inline(report.title, 60)}\n"


def failed(report: Report) -> str:
    """Count what is red: `3 red results`; a known failure is, once its expectation has expired."""
    counts = totals(report.verdict.columns)
    red = sum(n for state, n in counts.items() if state.red)
    red += sum(d.state is State.XFAILED for group in report.groups for d in group.details)
    return f"{red} red {'result' if red == 1 else 'results'}"


def link(address: str, words: str = "Full report") -> str:
    """Link to an https address, "" if it is none; nothing in it can end the link."""
    safe = address.startswith("https://") and not set(address) & set(" \n\r\t<>()\"'\\`")
    return f"\n[{words}]({address})\n" if safe else ""


def columns(columns: Sequence[ColumnVerdict]) -> str:
    """Draw the table of judgements."""
    lines = ["| column | | required | judgement | reason | time |", "|---|---|---|---|---|---:|"]
    lines += [
        f"| {md_inline(words.column(c.column))} | {JUDGED[c.judgement]} "
        f"| {'yes' if c.required else 'no'} | {c.judgement.value} "
        f"| {md_inline(c.reason, 500)} | {words.duration(c.seconds)} |"
        for c in columns[:COLUMNS]
    ]
    more = f"_and {len(columns) - COLUMNS} more columns_\n\n" if len(columns) > COLUMNS else ""
    return "\n".join(lines) + "\n\n" + more


def failures_heading(report: Report) -> str:
    """Give the heading above the groups of failures, "" if there is none."""
    if not report.groups:
        return ""
    total = sum(len(group.details) for group in report.groups)
    return f"### Failures: {total} in {counted(len(report.groups), 'group')}\n\n"


def groups(report: Report) -> Iterator[str]:
    """Yield one foldable block per group of failures, most frequent first."""
    return (_group(report, group) for group in report.groups)


def _group(report: Report, group: Group) -> str:
    lines = "".join(_member(report, detail) for detail in group.details[:MEMBERS])
    left = len(group.details) - MEMBERS
    more = f"- and {left} more\n" if left > 0 else ""
    first = group.details[0]
    return (
        f"<details><summary>{md_html(group.headline, 500)}</summary>\n\n"
        f"{lines}{more}\n{_trace(first)}{''.join(_tails(first))}\n</details>\n\n"
    )


def _trace(detail: Detail) -> str:
    last = words.last_failure(detail)
    trace = (last.details or last.message) if last else detail.message
    return md_fence(trace, "text", TRACE) if trace.strip() else ""


def _tails(detail: Detail) -> Iterator[str]:
    """Yield the ends of what the failed Metaflow tasks of a test wrote."""
    for task, name, tail in words.tails(detail):
        yield f"\n{name} of {md_code(words.identity(task))}:\n\n{md_fence(tail, 'text', TAIL)}"


def _member(report: Report, detail: Detail) -> str:
    tasks = "".join(f", task {md_code(words.identity(t))}" for t in words.failed_tasks(detail))
    place = md_code(words.place(detail))
    line = md_code(report.reproduce(detail), 2_500)
    return f"- {md_inline(words.column(detail.column))}: {place}{tasks}<br>{line}\n"


def sections(report: Report) -> Iterator[str]:
    """Yield what is no failure, most urgent first; what there is none of is empty."""
    grid = report.grid
    yield _list("Killed while running", [md_code(name) for name in report.killed])
    yield _list("Damaged records", [md_inline(line) for line in report.damage])
    yield _table("Columns disagree", grid, report.disagreements)
    yield _list("Runs left different things behind", map(_difference, report.differences))
    yield _list("Not run", map(_unclean, report.not_run))
    yield _list("Skipped, by reason", map(_skip, words.by_reason(report.skipped)))
    yield _list("Flaky", map(_unclean, report.flaky))
    yield _list(
        "Slowest",
        (
            f"{words.duration(seconds)}: {md_code(key)} {md_inline(words.beside(column))}"
            for key, column, seconds in report.slowest
        ),
    )
    yield _table("All tests", grid, grid.planned())


def _list(title: str, entries: Iterable[str]) -> str:
    shown: list[str] = []
    total = 0
    for entry in entries:
        total += 1
        if total <= LISTED:
            shown.append(f"- {entry}\n")
    more = f"- and {total - LISTED} more\n" if total > LISTED else ""
    return f"### {title}: {total}\n\n{''.join(shown)}{more}\n" if total else ""


def _difference(found: Difference) -> str:
    values = ", ".join(
        f"{md_inline(words.column(name))} {md_code(value, 100)}"
        for name, value in found.values.items()
    )
    return f"{md_code(found.key)} {md_inline(found.name)} {md_code(found.field)}: {values}"


def _unclean(detail: Detail) -> str:
    reason = md_inline(detail.message or detail.skip_reason)
    return f"{md_code(detail.nodeid)} {md_inline(words.beside(detail.column))}: {reason}"


def _skip(found: tuple[str, str, Sequence[Detail]]) -> str:
    name, reason, members = found
    return f"{md_inline(reason)} {md_inline(words.beside(name))}: {md_code(words.some(members))}"


def _table(title: str, grid: Grid, rows: Sequence[int]) -> str:
    if not rows:
        return ""
    columns = grid.columns[:COLUMNS]
    heading = "".join(f" {md_inline(words.column(name))} |" for name in columns)
    lines = [f"### {title}: {len(rows)}\n", f"| test |{heading}", "|---|" + "---|" * len(columns)]
    for row in rows[:LISTED]:
        cells = "".join(f" {_cell(grid.state(row, name))} |" for name in columns)
        lines.append(f"| {md_code(grid.keys[row], table=True)} |{cells}")
    more = f"\n_and {len(rows) - LISTED} more_\n" if len(rows) > LISTED else ""
    return "\n".join(lines) + "\n" + more + "\n"


def _cell(state: State) -> str:
    mark, word = MARKS.get(state, "❌"), words.CELL[state]
    return f"{mark} {word}".strip()
