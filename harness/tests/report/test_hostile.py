"""Every report stays valid, whatever text the model holds.

The model is filled directly here, so that a renderer cannot rely on what merging cleans away.
"""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
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
from pytest_metaflow_backends.report import groups, json_report, junit, markdown, terminal
from pytest_metaflow_backends.report.fit import CHECK_RUN, STEP_SUMMARY
from pytest_metaflow_backends.report.model import Detail, Difference, Grid, Report, State
from pytest_metaflow_backends.report.verdict import ColumnFacts, RunFacts, judge
from rich.console import Console

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


@relaxed
@given(reports())
def test_junit_parses_and_counts_right(report):
    out = io.StringIO()
    junit.render(report, out)

    root = ET.fromstring(out.getvalue().encode("utf-8"))

    for node in [root, *root.findall("testsuite")]:
        cases = node.findall(".//testcase")
        assert int(node.get("tests")) == len(cases)
        for name, element in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(node.get(name)) == sum(c.find(element) is not None for c in cases)
    suites = list(root.findall("testsuite"))[:-1]
    red = [
        c
        for suite in suites
        for c in suite.iter("testcase")
        if c.find("failure") is not None or c.find("error") is not None
    ]
    assert len(red) == reds(report)


@relaxed
@given(reports())
def test_json_satisfies_the_published_schema(report):
    out = io.StringIO()
    json_report.render(report, out)

    content = json.loads(out.getvalue(), parse_constant=pytest.fail)

    jsonschema.validate(content, json_report.schema(), jsonschema.Draft202012Validator)
    assert out.getvalue().isascii()
    assert len(content["tests"]) == len(report.grid.keys)


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


@relaxed
@given(reports(), st.integers(200, 8_000) | st.sampled_from([CHECK_RUN, STEP_SUMMARY]))
def test_markdown_is_sound_within_its_budget_and_keeps_the_count(report, budget):
    content = markdown.render(report, budget, "https://example.invalid/report")

    assert len(content.encode("utf-8")) <= budget
    assert_sound(content)
    assert f"{reds(report)} red result" in content
    assert report.verdict.judgement.value in content


@relaxed
@given(reports(), st.integers(0, 200))
def test_markdown_never_exceeds_even_a_tiny_budget(report, budget):
    assert len(markdown.render(report, budget).encode("utf-8")) <= budget


@relaxed
@given(reports(), st.sampled_from(["utf-8", "ascii", "latin-1"]), st.booleans())
def test_the_terminal_gets_text_only_in_any_encoding(report, encoding, tty):
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    terminal.render(report, Console(file=out, force_terminal=tty, color_system=None, width=70))
    out.flush()

    content = raw.getvalue().decode(encoding)

    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", content.replace("\t", ""))
    assert content.rstrip("\n").splitlines()[-1].startswith(report.verdict.judgement.value.upper())


@pytest.mark.parametrize("render", ["junit", "json", "markdown", "terminal"])
def test_huge_text_from_records_leaves_every_report_small(report_of, lines, render):
    """Ten megabytes on one line, in every field that a test can fill."""
    huge = "\x1b[31m`<|😀" * 1_000_000
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result(
                "a",
                "failed",
                skip_reason=huge,
                owner=huge,
                id="a" + huge,
                attempts=[lines.attempt(message=huge, details=huge, type=huge, fingerprint=huge)],
            ),
            lines.finish(1),
        ]
    )
    out = io.StringIO()
    {
        "junit": lambda: junit.render(report, out),
        "json": lambda: json_report.render(report, out),
        "markdown": lambda: out.write(markdown.render(report, CHECK_RUN)),
        "terminal": lambda: terminal.render(report, Console(file=out)),
    }[render]()

    assert len(out.getvalue().encode("utf-8")) < 1_500_000
