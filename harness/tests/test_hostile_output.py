"""What a test prints is hostile until proven otherwise: every report of it is still valid."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import pytest

HOSTILE = r"""
    import sys
    import pytest

    LINES = [
        "::error file=x.py,line=1::fake annotation",
        "::add-mask::everything",
        "\x1b[31mred\x1b[0m \x1b]8;;http://example.invalid\x07link\x1b]8;;\x07",
        "nul \0 and \x08 and \x0b and \ufffe",
        "</script><script>alert(1)</script><img src=x onerror=alert(2)>",
        "```\n````\n`````` fence",
        "]]> & <![CDATA[",
        "| a | b | @someone #123",
        "\u202eright to left",
    ]

    def test_output(backend):
        for line in LINES:
            print(line)
        sys.stdout.buffer.write(b"\xff\xfe\x80 not utf-8\n")
        assert False, "\n".join(LINES)

    def test_surrogate(backend):
        raise ValueError("lone \ud800 surrogate")

    def test_long_line(backend):
        print("x" * 10_000_000)
        raise ValueError("y" * 10_000_000)

    @pytest.mark.parametrize("value", ["<b>", "a|b", "`", "]]>", "&"])
    def test_in_an_id(backend, value):
        assert False
"""


@pytest.fixture
def reports(project):
    project.test_file(HOSTILE)
    result, _ = project.record()
    report = project.cli("report", "records", "-o", "out", timeout=90)
    return result, report, project.path / "out"


def test_every_report_of_hostile_output_is_valid_and_small(reports):
    result, report, out = reports

    assert result.ret == 1
    assert report.ret == 1
    tree = ET.parse(out / "junit.xml")
    failed = [c for c in tree.iter("testcase") if c.find("failure") is not None]
    assert len([c for c in failed if c.get("classname") != "verdict"]) == 8
    data = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert data["verdict"]["judgement"] == "failure"
    markdown = (out / "report.md").read_text(encoding="utf-8")
    assert_fences_close(markdown)
    assert markdown.count("<details") == markdown.count("</details>")
    html = (out / "index.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    for file in out.iterdir():
        if file.is_file():
            assert file.stat().st_size < 2_000_000
            assert not re.search(rb"[\x00\x1b]", file.read_bytes())
    console = report.stdout.str()
    assert not re.search(r"^::(error|add-mask)", console, re.MULTILINE)
    assert "\x1b]8" not in console


def assert_fences_close(markdown):
    """A fence closes with at least as many backticks as it opened with, and nothing else does."""
    fence = 0
    for line in markdown.splitlines():
        match = re.match(r"^ {0,3}(`{3,})(.*)$", line)
        if not match:
            continue
        length, rest = len(match[1]), match[2].strip()
        if fence == 0:
            fence = length
        elif length >= fence and not rest:
            fence = 0
    assert fence == 0
