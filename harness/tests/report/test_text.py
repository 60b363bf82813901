"""Text from tests is harmless wherever it is shown, and making it so takes linear time."""

from __future__ import annotations

import html
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pytest_metaflow_backends.report import text

ANY = st.text(st.characters(), max_size=200) | st.text(
    st.sampled_from(
        list("`|<>@#~\\*_[](){}&\"':/w.\n\r\t \x00\x1b\x9b\x07[]0;m\ud800\udfff\ufffe😀‮")
    ),
    max_size=80,
)
MEGABYTES = 10_000_000


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]no end\nnext", "\nnext"),
        ("a\x00b", "a\ufffdb"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("bell\x07 back\x08", "bell back"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("abc\u202egnp.exe", "abcgnp.exe"),
        ("naïve ✓ 漢字 😀", "naïve ✓ 漢字 😀"),
        ("tab\tstays", "tab\tstays"),
    ],
)
def test_plain_text_has_no_escapes_and_no_controls(given_text, expected):
    assert expected == text.plain(given_text)


@given(ANY, st.integers(0, 60))
def test_plain_text_is_valid_utf_8_and_short_enough(given_text, limit):
    actual = text.plain(given_text, limit)

    assert len(actual) <= limit
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", actual)
    actual.encode("utf-8")


def test_a_long_text_keeps_its_head_and_more_of_its_tail():
    actual = text.plain("start" + "x" * 10_000 + "end", 300)

    assert actual.startswith("start")
    assert actual.endswith("end")
    assert re.search(r"\[\.\.\. \d+ characters cut \.\.\.\]", actual)
    assert len(actual) == 300


@given(st.lists(ANY, min_size=2, max_size=2, unique=True))
def test_names_stay_different_and_print_on_one_line(names):
    first, second = map(text.identifier, names)

    assert first.isprintable()
    assert "\n" not in first
    # A literal backslash escape and what it stands for are the one pair that may meet.
    if "\\" not in names[0] + names[1]:
        assert first != second


def test_a_huge_name_is_short_and_stays_different():
    first, second = (text.identifier("x" * 10_000 + end) for end in "ab")

    assert len(first) <= text.NAME
    assert first != second


@given(ANY)
@example("]]>")
def test_xml_takes_any_text(given_text):
    raw = f"<a b={text.xml_attribute(given_text)}>{text.xml_text(given_text)}</a>"

    element = ET.fromstring(raw.encode("utf-8"))

    assert element.get("b") == text.plain(given_text)
    assert (element.text or "") == text.plain(given_text)


def inline_tokens(line):
    parser = MarkdownIt("gfm-like", {"html": True, "linkify": False}).enable("table")
    return [child for token in parser.parse(line) for child in token.children or ()]


@given(ANY)
@example("[x](javascript:alert)")
@example("<img src=x>")
@example("**b** _i_ ~~s~~ `c` ![i](u) <http://a>")
def test_markdown_shows_any_text_as_text(given_text):
    """Parsed by CommonMark with GitHub's tables, the line is text and nothing but text."""
    line = "- x " + text.md_inline(given_text)

    kinds = {token.type for token in inline_tokens(line)}
    shown = "".join(token.content for token in inline_tokens(line))

    assert kinds <= {"text", "text_special"}
    expected = f"x {text.one_line(given_text)}".rstrip()  # a line of Markdown ends with its text
    assert expected == shown.replace("\u200b", "").rstrip()


@given(ANY)
def test_a_table_cell_stays_one_cell(given_text):
    cells = f"{text.md_inline(given_text)} | {text.md_code(given_text, table=True)}"
    table = f"| a | b |\n|---|---|\n| {cells} |\n"

    tokens = MarkdownIt("commonmark").enable("table").parse(table)

    assert sum(token.type == "td_open" for token in tokens) == 2
    assert sum(token.type == "tr_open" for token in tokens) == 2


@given(ANY)
@example("```\n````\n</details>")
def test_a_fence_holds_any_text_and_closes(given_text):
    raw = text.md_fence(given_text) + "\nafter\n"

    tokens = MarkdownIt("commonmark").parse(raw)

    assert [t.type for t in tokens] == [
        "fence",
        "paragraph_open",
        "inline",
        "paragraph_close",
    ]
    assert tokens[0].content == text.plain(given_text).rstrip("\n") + "\n"


@pytest.mark.parametrize("word", ["@octocat", "#12", "a@b", "x @org/team"])
@pytest.mark.parametrize("escape", [text.md_inline, text.md_html])
def test_nobody_is_mentioned_and_no_issue_linked(word, escape):
    assert not re.search(r"[@#]\w", escape(word))


@pytest.mark.parametrize("said", ["it's 'a'", '"b"', "a & b < c > d", "assert '1' != '2'"])
def test_what_is_said_inside_html_reads_as_it_was(said):
    """A character reference such as `&#x27;` once was taken for the number of an issue."""
    rendered = MarkdownIt("commonmark").render(f"<p>{text.md_html(said)}</p>")

    assert html.unescape(rendered.strip()) == f"<p>{said}</p>"


@pytest.mark.parametrize("link", ["http://evil.example", "https://a.b", "www.evil.example"])
def test_bare_links_are_broken(link):
    assert link not in text.md_inline(link)


def test_workflow_commands_are_stopped_with_a_token_that_cannot_be_guessed():
    first, second = text.stop_commands("::error::x"), text.stop_commands("::error::x")

    lines = first.splitlines()
    assert lines[1] == "::error::x"
    token = lines[0].removeprefix("::stop-commands::")
    assert lines[2] == f"::{token}::"
    assert len(token) >= 32
    assert first != second


@pytest.mark.timeout(120)  # a quadratic regular expression would take days
@pytest.mark.parametrize(
    ("start", "unit"),
    [
        ("", "x"),
        ("", "`"),
        ("", "\x1b"),
        ("", "\x1b["),
        ("", "\x1b[0"),
        ("", "\x1b]"),
        ("", "\x1b]x"),
        ("\x1b[", "0"),
        ("\x1b[0", " "),
        ("\x1b]", "x"),
        ("\x1b", " "),
        ("", "@"),
        ("", "<"),
        ("", "\ud800"),
        ("", "\\"),
        ("", "&"),
        ("", "|"),
        ("", " "),
        ("", "\n"),
        ("", "\r"),
        ("", "www."),
        ("", "://"),
        ("", "é"),
        ("", "😀"),
    ],
)
def test_ten_megabytes_on_one_line_take_linear_time(start, unit):
    huge = start + unit * (MEGABYTES // len(unit))

    for function in (
        text.plain,
        text.identifier,
        text.one_line,
        text.xml_text,
        text.xml_attribute,
        text.md_inline,
        text.md_html,
        text.md_code,
        text.md_fence,
    ):
        assert len(function(huge)) < 20 * text.KEEP
    assert len(text.plain(huge, MEGABYTES)) <= MEGABYTES
