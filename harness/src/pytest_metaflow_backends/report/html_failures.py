"""How much of each failure a page shows, so that the page stays readable and within its budget.

The first 500 groups are never left out: what shrinks is the number of failures written out in
full per group, then the length of their texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_metaflow_backends.report.model import Detail, Group

ALWAYS = 500  # groups
WEIGHT = 5_000  # bytes one failure in full is reckoned at besides its texts; bounds the DOM too
LISTED = 700  # bytes of a failure that is only listed
HEADLINE = 1_500  # bytes of a group by itself


@dataclass(frozen=True)
class Depth:
    """What is shown of one group."""

    full: int  # failures with traceback, attempts, tasks
    listed: int  # further failures, a line each
    text: int  # characters kept of one traceback, message or log tail

    def cost(self, group: Group) -> int:
        """Bound the bytes of one group from above, well enough to choose a depth."""
        shown = group.details[: self.full]
        texts = sum(min(len(text), self.text) for detail in shown for text in _texts(detail))
        listed = len(group.details[self.full : self.full + self.listed])
        return HEADLINE + len(shown) * WEIGHT + texts * 5 // 4 + listed * LISTED


DEPTHS = (
    Depth(full=1_000, listed=1_000, text=60_000),
    Depth(full=25, listed=500, text=20_000),
    Depth(full=5, listed=50, text=6_000),
    Depth(full=1, listed=20, text=1_500),
    Depth(full=1, listed=2, text=300),
)


@dataclass(frozen=True)
class Shown:
    """The groups of a page and how deep they go."""

    groups: Sequence[Group]
    depth: Depth
    left_out: int  # groups that only report.json has


def fit(groups: Sequence[Group], room: int) -> Shown:
    """Choose the deepest way to show all groups that fits `room` bytes, else the first 500."""
    for depth in DEPTHS:
        if sum(map(depth.cost, groups)) <= room:
            return Shown(groups, depth, 0)
    first = groups[:ALWAYS]
    affordable = (depth for depth in DEPTHS if sum(map(depth.cost, first)) <= room)
    return Shown(first, next(affordable, DEPTHS[-1]), len(groups) - len(first))


def _texts(detail: Detail) -> Iterator[str]:
    for attempt in detail.attempts:
        yield attempt.details
        yield attempt.message
    for run in detail.runs:
        for task in run.tasks:
            yield task.stdout
            yield task.stderr
