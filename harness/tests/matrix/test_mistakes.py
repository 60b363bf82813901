"""Mistakes of all sorts beside each other, and how a line stays a line."""

from __future__ import annotations


def one(settings):
    """Give a matrix with one backend; its settings begin in column 20 of line 2."""
    return f"version: 1\nbackends: {{local: {{{settings}}}}}\n"


def test_mistakes_of_all_sorts_are_told_together_in_the_order_of_the_file(said):
    """What YAML, the schema and the meaning find do not hide each other."""
    text = """\
version: 2
version: 1
defaults: {timeout: 1:30, retires: {}}
backends:
  local: {kind: locl, timout: 3, workers: x, provides: [forech, forech]}
  slow: {kind: lcal}
  Upper: {kind: fake}
expect_failures:
  - {backend: slwo, test: t, reason: r, owner: o, until: tomorrow}
select: {otherwise: none}
redact: {patterns: ["("]}
"""
    lines = said(text)

    assert [line.split(": ", 1)[0] for line in lines] == [
        "2:1", "3:21", "3:27", "5:17", "5:23", "5:43", "5:56", "5:57", "5:65",
        "6:3", "6:16", "7:3", "9:15", "9:58", "10:21", "11:21",
    ]  # fmt: skip


def test_a_mistake_behind_an_alias_is_said_once_where_it_stands(said):
    text = "version: 1\nbackends:\n  a: &a {kind: local, timout: 3}\n  b: *a\n  c: {<<: *a}\n"

    lines = said(text)

    assert lines == ["3:23: unknown key 'timout'; did you mean 'timeout'?"]


def test_a_value_that_is_a_mapping_is_not_poured_into_the_message(said):
    lines = said(one("kind: {a: {b: [1, 2, 3]}}"))

    assert lines == ["2:26: kind: expected text, not a mapping"]


def test_a_long_value_is_cut_in_the_message(said):
    (line,) = said(one(f"kind: {'x' * 5000}"))

    assert line.startswith("2:26: kind: unknown kind 'xxxx")
    assert len(line) < 160
