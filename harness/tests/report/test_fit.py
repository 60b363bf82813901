"""Budgets are bytes: nothing is ever larger, and no character is cut in half."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends.report.fit import cut_utf8, first_that_fits, fit, size

ANY = st.text(st.characters(), max_size=60)


@given(ANY, st.integers(-1, 200))
def test_a_cut_text_is_the_longest_beginning_that_fits(content, limit):
    actual = cut_utf8(content, limit)

    clean = content.encode("utf-8", "replace").decode("utf-8")
    assert clean.startswith(actual)
    assert size(actual) <= max(limit, 0)
    if actual != clean:
        assert size(clean[: len(actual) + 1]) > limit


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        (0, ""),
        (1, "a"),
        (2, "a"),
        (3, "aé"),
        (6, "aé"),
        (7, "aé😀"),
        (99, "aé😀"),
    ],
)
def test_four_byte_characters_are_whole_or_absent(limit, expected):
    assert expected == cut_utf8("aé😀", limit)


@given(st.lists(ANY, max_size=8), st.integers(-1, 300))
def test_blocks_are_taken_whole_and_from_the_front(blocks, budget):
    taken = fit(blocks, budget)

    assert taken == blocks[: len(taken)]
    assert sum(map(size, taken)) <= max(budget, 0)
    if len(taken) < len(blocks):
        assert sum(map(size, blocks[: len(taken) + 1])) > budget


def test_blocks_behind_the_first_that_does_not_fit_are_never_computed():
    computed = []

    def blocks():
        for number in range(100):
            computed.append(number)
            yield "x" * 10

    assert len(fit(blocks(), 35)) == 3
    assert computed == [0, 1, 2, 3]


@given(st.lists(ANY, min_size=1, max_size=5), st.integers(0, 100))
def test_the_first_candidate_that_fits_is_taken_else_the_last_is_cut(candidates, budget):
    actual = first_that_fits(candidates, budget)

    assert size(actual) <= budget
    fitting = [c for c in candidates if size(c) <= budget]
    assert actual == (fitting[0] if fitting else cut_utf8(candidates[-1], budget))
