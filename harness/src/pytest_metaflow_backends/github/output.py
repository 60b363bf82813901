"""Title, summary and text of a check run, each within what GitHub takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_metaflow_backends.github import limits
from pytest_metaflow_backends.report import markdown
from pytest_metaflow_backends.report import markdown_blocks as blocks
from pytest_metaflow_backends.report.fit import first_that_fits, fit, size
from pytest_metaflow_backends.report.text import md_code, md_inline, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_metaflow_backends.report.model import Group, Report

TITLE = 200  # characters; GitHub shows about a hundred of them


def output(report: Report, link: str) -> dict[str, str]:
    """Give the summary, which says what failed, and the text, which says why.

    In both the number of red results stands first and is never cut.
    """
    return {
        "title": one_line(report.verdict.reason, TITLE) or report.verdict.judgement.value,
        "summary": first_that_fits(_summary(report, link), limits.TEXT),
        "text": first_that_fits(_text(report), limits.TEXT),
    }


def _summary(report: Report, link: str) -> Iterator[str]:
    columns = report.verdict.columns
    # Name, conclusion and reason stand above it, as the check's own and its title.
    head = blocks.tally(report) + (blocks.columns(columns) if len(columns) > 1 else "")
    heading, end = blocks.failures_heading(report), blocks.link(link, "Job and its log")
    room = limits.TEXT - size(head) - size(heading) - size(end)
    total = len(report.groups)
    if room > 0:
        shown = fit((_headline(report, group) for group in report.groups), room)
        yield head + heading + markdown.top(shown, total, room) + end
    yield blocks.tally(report) + end
    yield blocks.counts(report)


def _headline(report: Report, group: Group) -> str:
    """Say in two lines how many failed in one way, and how to see one of them."""
    line = md_code(report.reproduce(group.details[0]), 2_500)
    return f"- {md_inline(group.headline, 500)}<br>{line}\n"


def _text(report: Report) -> Iterator[str]:
    head = f"**{blocks.failed(report)}**\n\n"
    room = limits.TEXT - size(head)
    shown = fit(blocks.groups(report), room)
    failures = markdown.top(shown, len(report.groups), room)
    yield head + failures + markdown.others(report, room - size(failures))
    yield blocks.counts(report)
