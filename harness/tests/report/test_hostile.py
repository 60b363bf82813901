"""Every report stays valid, whatever text the model holds."""

from __future__ import annotations

import io
import json
import re
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from hostile_reports import assert_sound, reds, relaxed, reports
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends.report import json_report, junit, markdown, terminal
from pytest_metaflow_backends.report.fit import CHECK_RUN, STEP_SUMMARY
from rich.console import Console


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
