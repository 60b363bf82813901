"""The report as GitHub flavoured Markdown, within a number of bytes.

What does not fit is left out block by block: first everything but the failures, then all but the
top failures, then all but the counts. A block is whole or absent, so fences and `<details>` close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_metaflow_backends.report import markdown_blocks as blocks
from pytest_metaflow_backends.report.fit import (
    STEP_SUMMARY,
    first_that_fits,
    fit,
    size,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_metaflow_backends.report.model import Report

MORE = "\n_and {} more groups of failures_\n"


def render(report: Report, budget: int = STEP_SUMMARY, link: str = "") -> str:
    """Give at most `budget` bytes of UTF-8; `link` (https) leads to the full report.

    Whatever is cut, judgement and number of failures stay, if the budget has 200 bytes or more.
    """
    return first_that_fits(_ladder(report, budget, link), budget)


def _ladder(report: Report, budget: int, link: str) -> Iterator[str]:
    head = blocks.head(report) + blocks.columns(report.verdict.columns)
    heading, end = blocks.failures_heading(report), blocks.link(link)
    room = budget - size(head) - size(end)
    if room > 0:
        groups = [*fit(blocks.groups(report), room)]
        if len(groups) == len(report.groups):
            left = room - sum(map(size, groups))
            yield head + heading + "".join(groups) + others(report, left) + end
            yield head + heading + "".join(groups) + end
        yield head + heading + top(groups, len(report.groups), room - size(heading)) + end
    yield blocks.head(report) + end
    yield blocks.counts(report)


def top(shown: Sequence[str], total: int, room: int) -> str:
    """Keep the first blocks of `total`, and say how many are left out; `shown` may lack some."""
    ending = MORE.format(total) if len(shown) < total else ""
    kept = fit(shown, room - size(ending or MORE.format(len(shown))))
    left = total - len(kept)
    return "".join(kept) + (MORE.format(left) if left else "")


def others(report: Report, room: int) -> str:
    """Add what is no failure, section by section, as far as there is room."""
    return "".join(fit((section for section in blocks.sections(report) if section), room))
