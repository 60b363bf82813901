"""Digests: equal for equal values whatever made them, else different."""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import pickle
import subprocess
import sys
import time
from datetime import date, datetime, timedelta, timezone
from datetime import time as clock
from decimal import Decimal
from enum import Enum, IntEnum
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_metaflow_backends.flow.canonical import digest

if TYPE_CHECKING:
    import random


class Colour(Enum):
    RED = 1


class Level(IntEnum):
    LOW = 1


@dataclasses.dataclass
class Point:
    x: int
    y: object = None


class Plain:
    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)


class Tagged(set):
    pass


Named = collections.namedtuple("Named", ["a", "b"])  # noqa: PYI024 - the old form is meant

# Every two of these differ for a reader, so every two digests must differ.
DISTINCT = {
    "None": None, "True": True, "1": 1, "1.0": 1.0, "'1'": "1", "b'1'": b"1", "1+0j": 1 + 0j,
    "bytearray": bytearray(b"1"), "Decimal 1": Decimal(1), "Decimal 1.0": Decimal("1.0"),
    "False": False, "0": 0, "0.0": 0.0, "-0.0": -0.0, "nan": math.nan, "inf": math.inf,
    "empty str": "", "empty bytes": b"", "[]": [], "()": (), "{}": {}, "set()": set(),
    "frozenset()": frozenset(), "-1": -1, "255": 255, "big": 10**40, "-big": -(10**40),
    "[1]": [1], "(1,)": (1,), "{1}": {1}, "frozenset 1": frozenset({1}), "[[1]]": [[1]],
    "[1, 2]": [1, 2], "[2, 1]": [2, 1], "[1, [2]]": [1, [2]], "[[1], 2]": [[1], 2],
    "['ab', 'c']": ["ab", "c"], "['a', 'bc']": ["a", "bc"], "{1: 2}": {1: 2}, "{2: 1}": {2: 1},
    "surrogate": "\ud800", "other surrogate": "\udfff", "date": date(2026, 1, 2),
    "naive": datetime(2026, 1, 2), "utc": datetime(2026, 1, 2, tzinfo=timezone.utc),  # noqa: DTZ001
    "zone": datetime(2026, 1, 2, tzinfo=ZoneInfo("UTC")), "time": clock(1, 2), "span": timedelta(1),
    "path": Path("a/b"), "text of a path": "a/b", "enum": Colour.RED, "int enum": Level.LOW,
    "point": Point(1), "other point": Point(2), "named": Named(1, 2), "(1, 2)": (1, 2),
    "plain": Plain(a=1), "other plain": Plain(a=2), "a class": Plain, "a function": json.dumps,
    "ordered": collections.OrderedDict(a=1),
    "ordered pair": collections.OrderedDict(a=1, b=2),
    "turned pair": collections.OrderedDict(b=2, a=1),
    "default dict": collections.defaultdict(int, {1: 2}),
    "other default dict": collections.defaultdict(int, {2: 1}),
    "{'a': 1}": {"a": 1}, "own set": Tagged({1}),
    "counter": collections.Counter("a"), "an error": ValueError("x"), "other": KeyError("x"),
    "int64": np.int64(1), "int32": np.int32(1), "float64": np.float64(1), "np bool": np.bool_(True),  # noqa: FBT003
    "0-d": np.array(1), "1-d": np.array([1]), "2-d": np.array([[1]]), "int8": np.array([1], "i1"),
    "float32": np.array([1], "f4"), "text": np.array(["1"]), "objects": np.array([1], object),
    "empty array": np.array([]), "empty 2-d": np.zeros((0, 3)), "other empty 2-d": np.zeros((3, 0)),
    "days": np.array(["2026-01-02"], "M8[D]"), "seconds": np.array(["2026-01-02"], "M8[s]"),
    "fields": np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    "other fields": np.array([(1, 2.0)], [("a", "i4"), ("c", "f8")]),
    "masked": np.ma.array([1, 2], mask=[True, False]), "unmasked": np.ma.array([1, 2]),
    "series": pd.Series([1, 2]), "named series": pd.Series([1, 2], name="n"),
    "indexed": pd.Series([1, 2], index=[1, 2]), "frame": pd.DataFrame({"a": [1, 2]}),
    "other column": pd.DataFrame({"b": [1, 2]}), "two columns": pd.DataFrame({"a": [1], "b": [2]}),
    "turned columns": pd.DataFrame({"b": [2], "a": [1]}),
    "float column": pd.DataFrame({"a": [1.0, 2]}),
    "category": pd.Series(["a", "b"], dtype="category"), "text series": pd.Series(["a", "b"]),
    "with NA": pd.Series([1, None], dtype="Int64"), "index": pd.Index([1, 2]),
    "multi": pd.MultiIndex.from_tuples([(1, 2)]), "stamp": pd.Timestamp("2026-01-02"),
    "stamp ns": pd.Timestamp("2026-01-02 00:00:00.000000001"), "NaT": pd.NaT, "NA": pd.NA,
    "zoned stamps": pd.Series(pd.to_datetime(["2026-01-02"]).tz_localize("UTC")),
    "stamps": pd.Series(pd.to_datetime(["2026-01-02"])), "delta": pd.Timedelta(1, "s"),
}  # fmt: skip


def test_what_a_reader_can_tell_apart_has_different_digests():
    digests = {name: digest(value) for name, value in DISTINCT.items()}

    seen = collections.defaultdict(list)
    for name, found in digests.items():
        seen[found].append(name)
    assert [names for names in seen.values() if len(names) > 1] == []


@pytest.mark.parametrize("value", DISTINCT.values(), ids=DISTINCT)
def test_a_value_that_went_through_pickle_has_the_same_digest(value):
    assert digest(pickle.loads(pickle.dumps(value, 4))) == digest(value)  # noqa: S301 - made here


def shared_pair() -> list:
    part = [1]
    return [part, part]


EQUAL = {
    "dict order": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "shared or not": (shared_pair(), [[1], [1]]),
    "signs of NaN": (math.nan, -math.nan),
    "layout": (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))),
    "a view": (np.arange(10)[::2], np.array([0, 2, 4, 6, 8])),
    "byte order": (np.arange(3, dtype="<i4"), np.arange(3, dtype=">i4")),
    "byte order of floats": (np.array([1.5, math.nan], "<f8"), np.array([1.5, -math.nan], ">f8")),
    "byte order of complex": (np.array([1j, math.nan], "<c8"), np.array([1j, -math.nan], ">c8")),
    "padding": (
        np.zeros(2, np.dtype([("a", "i1"), ("b", "i8")], align=True)),
        np.frombuffer(b"\0" + b"\xff" * 7 + b"\0" * 9 + b"\xff" * 7 + b"\0" * 8,
                      np.dtype([("a", "i1"), ("b", "i8")], align=True)),
    ),
    "under a mask": (
        np.ma.array([1, 2], mask=[True, False]), np.ma.array([9, 2], mask=[True, False]),
    ),
    "long floats": (np.array([1, 2], np.longdouble), np.array([1, 2], np.longdouble)),
    "range index": (pd.RangeIndex(3), pd.Index([0, 1, 2])),
    "blocks": (
        pd.DataFrame({"a": [1, 2], "b": [3, 4]}),
        pd.DataFrame({"a": [1, 2]}).assign(b=[3, 4]),
    ),
    "sets in objects": (Plain(a={"x", "y", "z"}), Plain(a={"z", "y", "x"})),
    "own sets": (Tagged("abcdef"), Tagged("fedcba")),
    "default dict order": (
        collections.defaultdict(list, {"a": [1], "b": [2]}),
        collections.defaultdict(list, {"b": [2], "a": [1]}),
    ),
    "counter order": (collections.Counter("aab"), collections.Counter("baa")),
}  # fmt: skip


@pytest.mark.parametrize(("one", "other"), EQUAL.values(), ids=EQUAL)
def test_how_an_equal_value_was_made_does_not_count(one, other):
    assert digest(one) == digest(other)


leaf = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.complex_numbers()
    | st.text(st.characters(exclude_categories=())) | st.binary() | st.dates() | st.datetimes()
    | st.decimals().filter(lambda d: not d.is_snan()) | st.timedeltas()
)  # fmt: skip
hashable = st.recursive(
    leaf, lambda inner: st.tuples(inner, inner) | st.frozensets(inner), max_leaves=5
)
tree = st.recursive(
    leaf,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.sets(hashable)
    | st.dictionaries(hashable, inner) | st.builds(Point, st.integers(), inner),
    max_leaves=15,
)  # fmt: skip


@given(tree)
@settings(max_examples=150, deadline=None)
def test_any_value_keeps_its_digest_through_pickle(value):
    assert digest(pickle.loads(pickle.dumps(value, 4))) == digest(value)  # noqa: S301 - made here


@given(st.dictionaries(hashable, tree), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_a_dict_does_not_count(value, chance: random.Random):
    shuffled = list(value.items())
    chance.shuffle(shuffled)

    assert digest(dict(shuffled)) == digest(value)


@given(st.lists(tree, min_size=1), st.data())
@settings(max_examples=100, deadline=None)
def test_a_changed_part_changes_the_digest_of_the_whole(value, data):
    at = data.draw(st.integers(0, len(value) - 1))
    part = data.draw(tree.filter(lambda new: digest(new) != digest(value[at])))

    assert digest([*value[:at], part, *value[at + 1 :]]) != digest(value)


@given(st.lists(tree), st.lists(tree))
@settings(max_examples=100, deadline=None)
def test_lists_have_one_digest_exactly_if_their_parts_have(one, other):
    expected = [digest(part) for part in one] == [digest(part) for part in other]

    assert (digest(one) == digest(other)) is expected


def cyclic(kind: str) -> object:
    if kind == "list":
        value: list = [1]
        value.append(value)
        return value
    if kind == "dict":
        mapping: dict = {}
        mapping["self"] = [mapping]
        return mapping
    point = Point(1)
    point.y = {"back": (point,)}
    return point


@pytest.mark.parametrize("kind", ["list", "dict", "object"])
def test_a_value_that_contains_itself_has_a_digest(kind):
    """Also after a part of it was met before, on another way in."""
    value = cyclic(kind)

    assert digest(value) == digest(cyclic(kind)) == digest(pickle.loads(pickle.dumps(value)))  # noqa: S301
    assert digest([value, value]) == digest([cyclic(kind), cyclic(kind)])
    assert digest(value) != digest([value])


def test_a_deep_value_and_one_that_shares_its_parts_many_times_are_walked_in_time():
    deep: list = []
    for _ in range(2_000):
        deep = [deep]
    shared: list = [1]
    for _ in range(60):
        shared = [shared, shared]
    started = time.process_time()

    assert digest(deep) != digest(shared)
    assert time.process_time() - started < 5


SEEDED = """
import decimal, pathlib, sys
from pytest_metaflow_backends.flow.canonical import digest
class Plain: pass
plain = Plain()
plain.names = {"a", "b", "c", "d", "e"}
plain.inner = frozenset({("x", 1), ("y", 2), ("z", None)})
class Own(frozenset): pass
value = [plain, {"k": {"p", "q", "r"}}, Own("abcdef"), decimal.Decimal("1.5"), pathlib.Path("a")]
print(digest(value))
"""


def test_the_hash_seed_does_not_count():
    """In processes of their own, since the seed is fixed for a process's life."""
    digests = {
        subprocess.run(
            [sys.executable, "-c", SEEDED], env={"PYTHONHASHSEED": seed}, check=True,
            capture_output=True, text=True,
        ).stdout
        for seed in ("0", "1", "2", "3")
    }  # fmt: skip

    assert len(digests) == 1


# Written down once: a change of the form makes records of different versions incomparable, so it
# must be made knowingly.
GOLDEN = {
    "plain": ({"a": [1, 2.5, None, True], "b": "ü"}, "f7b2bf3e323b7a4f875773fff30203cf"),
    "array": (np.arange(4, dtype="i4").reshape(2, 2), "48c69ab0d158d8ffb37a210db9052bd7"),
    "frame": (pd.DataFrame({"a": [1, 2], "b": [0.5, None]}), "de90d48e7beba37a139959845db6cd6e"),
}


@pytest.mark.parametrize(("value", "expected"), GOLDEN.values(), ids=GOLDEN)
def test_the_form_is_the_one_that_was_agreed_on(value, expected):
    assert digest(value) == expected


def test_a_hundred_megabytes_need_about_no_further_memory():
    code = (
        "import resource\n"
        "from pytest_metaflow_backends.flow.canonical import digest\n"
        "value = bytes(100_000_000)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "digest([value, value])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )

    assert int(answer.stdout) < 20_000  # KiB


def test_what_cannot_be_taken_apart_is_its_class_and_nothing_else():
    def unpicklable():
        yield 1

    assert digest(unpicklable()) == digest(unpicklable())
    assert digest(PurePosixPath("a")) == digest(PurePosixPath("a"))
