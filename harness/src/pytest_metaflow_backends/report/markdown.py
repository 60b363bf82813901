"""The report as GitHub flavoured Markdown, within a number of bytes.

What does not fit is left out block by block: first everything but the failures, then all but the
top failures, then all but the counts. A block is whole or absent, so fences and `<details>` close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_metaflow_backends.report import words
from pytest_metaflow_backends.report.fit import (
    STEP_SUMMARY,
    first_that_fits,
    fit,
    size,
)
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
MEMBERS = 10  # tests of a group with a line to copy
LISTED = 50  # rows of every other list
COLUMNS = 30  # columns of a table
MORE = "\n_and {} more groups of failures_\n"


def render(report: Report, budget: int = STEP_SUMMARY, link: str = "") -> str:
    """Give at most `budget` bytes of UTF-8; `link` (https) leads to the full report.

    Whatever is cut, judgement and number of failures stay, if the budget has 200 bytes or more.
    """
    return first_that_fits(_ladder(report, budget, link), budget)


def _ladder(report: Report, budget: int, link: str) -> Iterator[str]:
    head = _head(report) + _columns(report.verdict.columns)
    end = _link(link)
    room = budget - size(head) - size(end)
    if room > 0:
        rest = [*fit(_groups(report), room)]
        if len(rest) == len(report.groups):
            room -= sum(map(size, rest))
            yield head + _failures_heading(report) + "".join(rest) + _others(report, room) + end
            yield head + _failures_heading(report) + "".join(rest) + end
        heading = _failures_heading(report)
        some = _top(report, rest, room - size(heading))
        yield head + heading + some + end
    yield _head(report) + end
    yield _counts(report)


def _top(report: Report, blocks: list[str], room: int) -> str:
    """Keep the first groups, and say how many are left out; `blocks` may be cut short already."""
    left = len(report.groups) - len(blocks)
    ending = MORE.format(len(report.groups)) if left else ""
    kept = fit(blocks, room - size(ending or MORE.format(len(blocks))))
    left = len(report.groups) - len(kept)
    return "".join(kept) + (MORE.format(left) if left else "")


def _head(report: Report) -> str:
    verdict = report.verdict
    mark = JUDGED[verdict.judgement]
    return (
        f"## {mark} {md_inline(report.title)}: {verdict.judgement.value}\n\n"
        f"**{_failed(report)}**, {md_inline(summary(totals(verdict.columns)), 500)}\n\n"
        f"{md_inline(verdict.reason, 1_000)}\n\n"
    )


def _counts(report: Report) -> str:
    """Say the least there is to say; survives a cut anywhere."""
    return f"{report.verdict.judgement.value}: {_failed(report)}. {md_inline(report.title, 60)}\n"


def _failed(report: Report) -> str:
    counts = totals(report.verdict.columns)
    red = sum(n for state, n in counts.items() if state.red)
    return f"{red} red {'result' if red == 1 else 'results'}"


def _link(link: str) -> str:
    safe = link.startswith("https://") and not set(link) & set(" \n\r\t<>()\"'\\`")
    return f"\n[Full report]({link})\n" if safe else ""


def _columns(columns: Sequence[ColumnVerdict]) -> str:
    lines = ["| column | | required | judgement | reason | time |", "|---|---|---|---|---|---:|"]
    lines += [
        f"| {md_inline(words.column(c.column))} | {JUDGED[c.judgement]} "
        f"| {'yes' if c.required else 'no'} | {c.judgement.value} "
        f"| {md_inline(c.reason, 500)} | {words.duration(c.seconds)} |"
        for c in columns[:COLUMNS]
    ]
    more = f"_and {len(columns) - COLUMNS} more columns_\n\n" if len(columns) > COLUMNS else ""
    return "\n".join(lines) + "\n\n" + more


def _failures_heading(report: Report) -> str:
    if not report.groups:
        return ""
    total = sum(len(group.details) for group in report.groups)
    return f"### Failures: {total} in {counted(len(report.groups), 'group')}\n\n"


def _groups(report: Report) -> Iterator[str]:
    return (_group(report, group) for group in report.groups)


def _group(report: Report, group: Group) -> str:
    lines = "".join(_member(report, detail) for detail in group.details[:MEMBERS])
    left = len(group.details) - MEMBERS
    more = f"- and {left} more\n" if left > 0 else ""
    first = words.last_failure(group.details[0])
    trace = (first.details or first.message) if first else group.details[0].message
    fence = md_fence(trace, "text", TRACE) if trace.strip() else ""
    return (
        f"<details><summary>{md_html(group.headline, 500)}</summary>\n\n"
        f"{lines}{more}\n{fence}\n</details>\n\n"
    )


def _member(report: Report, detail: Detail) -> str:
    tasks = "".join(f", task {md_code(words.identity(t))}" for t in words.failed_tasks(detail))
    place = md_code(words.place(detail))
    line = md_code(report.reproduce(detail), 2_500)
    return f"- {md_inline(words.column(detail.column))}: {place}{tasks}<br>{line}\n"


def _others(report: Report, room: int) -> str:
    """Add what is no failure, section by section, as far as there is room."""
    return "".join(fit((section for section in _sections(report) if section), room))


def _sections(report: Report) -> Iterator[str]:
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
            f"{words.duration(seconds)}: {md_code(key)} ({md_inline(words.column(column))})"
            for key, column, seconds in report.slowest
        ),
    )
    yield _table("All tests", grid, range(len(grid.keys)))


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
    return f"{md_code(detail.nodeid)} ({md_inline(words.column(detail.column))}): {reason}"


def _skip(found: tuple[str, str, Sequence[Detail]]) -> str:
    name, reason, members = found
    return f"{md_inline(reason)} ({md_inline(words.column(name))}): {md_code(words.some(members))}"


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
