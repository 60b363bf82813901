"""Reports of anything, as a strategy of Hypothesis, and what a sound Markdown text is.

The model is filled directly here, so that a renderer cannot rely on what merging cleans away.
"""

from __future__ import annotations

import re
from collections import Counter

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pytest_metaflow_backends.records import (
    Attempt,
    BackendEvent,
    Cause,
    Drift,
    Outcome,
    RunRef,
    Session,
    SkipKind,
    TaskRef,
)
from pytest_metaflow_backends.report import groups
from pytest_metaflow_backends.report.model import Detail, Difference, Grid, Report, State
from pytest_metaflow_backends.report.verdict import ColumnFacts, RunFacts, judge

NASTY = [
    "",
    "::error::x",
    "\x1b[31m",
    "\x00",
    "\ud800",
    "\udfff x",
    "```\n````",
    "</details>",
    "<script>",
    "| a | b |",
    "@everyone #1",
    "]]>",
    "&amp;",
    "\n\n# head\n",
    "~~~",
    "<!--",
    "$x$",
    "😀" * 30,
    "‮",
    "'; rm -rf ~ #",
    '"',
    "\\",
    "a\r\nb",
    "- [ ] x",
    "http://evil.example",
    "[x](y)",
    "\t",
]
TEXT = st.sampled_from(NASTY) | st.text(st.characters(), max_size=30)
SECONDS = st.floats(0, 1e8)
ATTEMPTS = st.builds(
    Attempt,
    n=st.integers(1, 3),
    phase=TEXT,
    outcome=st.sampled_from(Outcome),
    seconds=SECONDS,
    type=TEXT,
    message=TEXT,
    fingerprint=TEXT,
    cause=st.sampled_from(Cause),
    details=TEXT,
)
TASKS = st.builds(
    TaskRef,
    pathspec=TEXT,
    status=TEXT,
    native=st.dictionaries(TEXT, TEXT, max_size=2),
    stdout=TEXT,
    stderr=TEXT,
)
RUNS = st.builds(
    RunRef,
    pathspec=TEXT,
    status=TEXT,
    seconds=SECONDS,
    tasks=st.lists(TASKS, max_size=2).map(tuple),
)
COLUMN_NAMES = st.lists(TEXT, unique=True, min_size=1, max_size=3)


@st.composite
def details(draw, key, column):
    return Detail(
        key,
        column,
        draw(st.sampled_from([s for s in State if s > State.PASSED])),
        draw(TEXT),
        file=draw(TEXT),
        line=draw(st.integers(0, 99)),
        seconds=draw(SECONDS),
        attempts=tuple(draw(st.lists(ATTEMPTS, max_size=2))),
        skip_kind=draw(st.none() | st.sampled_from(SkipKind)),
        skip_reason=draw(TEXT),
        runs=tuple(draw(st.lists(RUNS, max_size=1))),
        worker=draw(TEXT),
        owner=draw(TEXT),
    )


@st.composite
def grids(draw):
    grid = Grid()
    for column in draw(COLUMN_NAMES):
        grid.add_column(column)
    for row, key in enumerate(draw(st.lists(TEXT, unique=True, max_size=4))):
        grid.keys.append(key)
        grid.lines.append(draw(st.integers(0, 99)))
        for column in grid.columns:
            grid.states[column].append(draw(st.sampled_from([State.PASSED, State.ABSENT])))
            grid.seconds[column].append(draw(SECONDS))
            if draw(st.booleans()):
                detail = draw(details(key, column))
                grid.details[key, column] = detail
                grid.states[column][row] = detail.state
    return grid


def facts(grid, column, reason):
    counts = Counter(State(cell) for cell in grid.states[column] if cell)
    return ColumnFacts(
        column,
        required=True,
        counts=counts,
        broken=reason or None,
        seconds=sum(grid.seconds[column]),
        provider=reason,
        versions={reason: reason},
    )


@st.composite
def reports(draw):
    grid = draw(grids())
    found = list(grid.details.values())
    columns = [facts(grid, column, draw(TEXT)) for column in grid.columns]
    texts = st.lists(TEXT, max_size=3)
    return Report(
        grid=grid,
        verdict=judge(RunFacts(columns, 1, damage=draw(texts))),
        groups=groups.failures(found, grid.columns),
        disagreements=groups.disagreements(grid),
        differences=[Difference(draw(TEXT), draw(TEXT), draw(TEXT), {draw(TEXT): draw(TEXT)})],
        not_run=groups.ordered(found, grid.columns, State.NOT_RUN, State.MISSING),
        flaky=groups.ordered(found, grid.columns, State.FLAKY),
        slowest=groups.slowest(grid),
        drift=[Drift(draw(TEXT), draw(TEXT), draw(TEXT))],
        sessions=[Session(draw(TEXT), 1.0, args=tuple(draw(texts)))],
        events=[BackendEvent(draw(TEXT), draw(TEXT), reason=draw(TEXT))],
        killed=draw(texts),
        damage=draw(texts),
        title=draw(TEXT),
    )


relaxed = settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def reds(report):
    return sum(State(cell).red for cells in report.grid.states.values() for cell in cells)


def html_of(tokens):
    for token in tokens:
        if token.type in {"html_block", "html_inline"}:
            yield token.content
        yield from html_of(token.children or ())


def assert_sound(content):
    """Fences and details are closed: what follows is a paragraph again; no foreign HTML."""
    tokens = MarkdownIt("commonmark").enable("table").parse(content + "\n\nSENTINEL\n")
    assert [t.type for t in tokens[-3:]] == ["paragraph_open", "inline", "paragraph_close"]
    assert tokens[-2].content == "SENTINEL"
    tags = re.findall(r"<[^>]*>?", "\n".join(html_of(tokens)))
    assert set(tags) <= {"<details>", "<summary>", "</summary>", "</details>", "<br>"}
    depth = 0
    for tag in tags:
        depth += (tag == "<details>") - (tag == "</details>")
        assert depth in {0, 1}
    assert depth == 0
