"""What JSON can say is kept exactly; what it cannot is refused, with the place."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow_extensions.functions.codec import NoJsonError, decode, encode
from metaflow_extensions.functions.errors import InputError

INTEGERS = st.integers(-(2**63), 2**64 - 1)
NUMBERS = INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))  # lone surrogates are no Unicode
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=20,
)


@given(PLAIN)
def test_whatever_json_can_say_comes_back_as_it_was(value):
    assert decode(encode(value)) == value
    assert json.loads(encode(value)) == value


ODD = st.sampled_from([math.nan, math.inf, -math.inf, 2**64, -(2**63) - 1, b"", {1}, object(), 1j])


@given(PLAIN, ODD, PLAIN)
def test_what_it_cannot_say_is_refused_wherever_it_is(before, odd, after):
    for value, place in (
        (odd, "$"),
        ([before, odd, after], "$[1]"),
        ({"a": before, "b": {"c": (odd,)}}, "$.b.c[0]"),
    ):
        with pytest.raises(NoJsonError) as raised:
            encode(value)
        assert str(raised.value).startswith(f"{place} is ")


def test_what_is_nested_too_deep_is_said_to_be():
    value: list = []
    for _ in range(2000):
        value = [value]

    with pytest.raises(NoJsonError, match="nested too deep"):
        encode(value)


@pytest.mark.parametrize("written", [b"", b"{", b"NaN", b"\xff", b"{'a': 1}", b"1 2"])
def test_what_is_no_json_is_an_error_of_the_input(written):
    with pytest.raises(InputError, match="no JSON"):
        decode(written)
