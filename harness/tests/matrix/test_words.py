"""The small helpers: durations, nearest names, how a mistake names its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends.matrix.durations import LONGEST, seconds, text
from pytest_metaflow_backends.matrix.mistake import dotted, shown
from pytest_metaflow_backends.matrix.suggest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("written", "expected"),
    [("90s", 90.0), ("10m", 600.0), ("1h30m", 5400.0), ("1h1s", 3601.0), ("168h", LONGEST),
     ("0h5s", 5.0), (90, 90.0), (0.5, 0.5)],
)  # fmt: skip
def test_durations_are_read_as_people_write_them(written, expected):
    assert seconds(written) == expected


@given(st.integers(1, int(LONGEST)))
def test_what_is_written_of_a_duration_reads_as_the_same(number):
    assert seconds(text(number)) == number


@given(st.one_of(st.text(max_size=8), st.floats(), st.integers()))
def test_a_duration_is_within_its_bounds_or_a_value_error(value):
    try:
        number = seconds(value)
    except ValueError as error:
        message = str(error)
    else:
        assert 0 < number <= LONGEST
        return

    assert "is not a duration" in message


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("nomda", ["nomad", "local"], "nomad"),
        ("k8", ["k8s", "nomad"], "k8s"),
        ("FOREACH", ["foreach", "nested_foreach"], "foreach"),
        ("zzz", ["nomad", "local"], None),
        ("x", [], None),
        ("", ["a"], None),
        ("n" * 65, ["n" * 64], None),
    ],
)
def test_the_nearest_name_is_found_if_one_is_near(word, known, near):
    assert nearest(word, known) == near
    assert nearest(word, reversed(known)) == near


def test_a_message_ends_with_the_nearest_name_else_with_a_short_list():
    assert did_you_mean("nomda", {"nomad", "local"}) == "; did you mean 'nomad'?"
    assert did_you_mean("zzz", {"nomad", "local"}) == "; known are: local, nomad"
    assert did_you_mean("zzz", [f"name{n}" for n in range(13)]) == ""
    assert did_you_mean("zzz", []) == ""


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), st.lists))
def test_a_value_is_shown_on_one_short_line(value):
    line = shown(value)

    assert len(line) <= 60
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ((), "the document"),
        (("defaults", "timeout"), "timeout"),
        (("expect_failures", 0), "expect_failures[0]"),
        (("backends", "a", "required", 1), "required[1]"),
        (("backends", "two\nlines"), "'two\\nlines'"),
    ],
)
def test_a_place_is_called_by_its_last_name(place, name):
    assert dotted(place) == name
