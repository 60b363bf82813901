"""Many records: what fails costs itself, and nothing else."""

from __future__ import annotations

import asyncio

import pytest
from metaflow_extensions.functions.backend import NAMES
from metaflow_extensions.functions.errors import FunctionError, InputError, WorkerDiedError
from metaflow_extensions.functions.rows import Mapping, RowError

RECORDS = [{"n": number} for number in range(30)]


@pytest.fixture(params=NAMES)
def load(request, shared):
    return lambda name: shared(name, request.param)


def test_a_row_that_fails_is_the_only_one_lost(load, scoring):
    function = load("fails_at_seven")

    kept = function.map(RECORDS, on_error="return", batch_size=4)
    skipped = function.map(RECORDS, on_error="skip")

    assert [row if isinstance(row, int) else None for row in kept] == [
        None if number == 7 else number for number in range(30)
    ]
    assert (kept[7].index, type(kept[7].error)) == (7, scoring.OddError)
    assert str(kept[7]) == "row 7: OddError: odd row 7"
    assert skipped == [number for number in range(30) if number != 7]
    with pytest.raises(scoring.OddError):
        function.map(RECORDS)


@pytest.mark.slow
def test_one_of_a_hundred_thousand_costs_one(opened):
    rows = opened("fails_at_seven").map(
        ({"n": number} for number in range(100_000)), on_error="skip"
    )

    assert len(rows) == 99_999


def test_a_batch_function_loses_the_bad_row_only(load, scoring):
    rows = load("vectors").map(
        [{"x": 1}, {"x": -1}, {"y": 2}, {"x": 3}], on_error="return", batch_size=4
    )

    assert rows[0] == 2.0
    assert rows[3] == 6.0
    assert isinstance(rows[1].error, scoring.OddError)
    assert isinstance(rows[2].error, InputError)


def test_a_record_without_json_and_one_that_kills_its_worker_cost_themselves(opened):
    records = [{}, {"x": {1}}, {"do": "die"}, {}]

    rows = opened("acts").map(records, on_error="return")

    assert [isinstance(row, RowError) for row in rows] == [False, True, True, False]
    assert isinstance(rows[1].error, InputError)
    assert "$.x is of type set" in str(rows[1].error)
    assert isinstance(rows[2].error, WorkerDiedError)


def test_chunks_go_to_all_workers_and_come_back_in_order(opened):
    function = opened("echo", workers=2)

    assert function.map(RECORDS, batch_size=3) == RECORDS
    assert sorted(function.map(RECORDS, batch_size=3, ordered=False), key=lambda r: r["n"]) == (
        RECORDS
    )
    assert function.map(iter(RECORDS)) == RECORDS
    assert function.map([]) == []


def test_progress_is_told(opened):
    seen: list[int] = []

    opened("echo", "local").map(RECORDS, batch_size=10, progress=seen.append)

    assert seen == [10, 20, 30]


SIZES = {
    "said": (Mapping(batch_size=7), range(100), 2, 7),
    "few": (Mapping(), range(3), 2, 1),
    "some": (Mapping(), range(100), 2, 13),
    "many": (Mapping(), range(100_000), 2, 1000),
    "unknown": (Mapping(), iter(range(3)), 2, 1000),
}


@pytest.mark.parametrize(("how", "records", "workers", "expected"), SIZES.values(), ids=SIZES)
def test_chunks_are_as_large_as_keeps_all_workers_busy(how, records, workers, expected):
    actual = how.size(records, workers)

    assert expected == actual


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"on_error": "ignore"}, "it is one of raise"), ({"batch_size": 0}, "it is 1 or more")],
)
def test_a_wrong_choice_is_refused(opened, wrong, said):
    with pytest.raises(FunctionError, match=said):
        opened("echo", "local").map([], **wrong)


def test_calls_wait_without_blocking_the_loop(load):
    function = load("echo")

    async def several():
        return await asyncio.gather(*(function.call_async({"n": number}) for number in range(20)))

    assert asyncio.run(several()) == [{"n": number} for number in range(20)]


def test_an_async_function_can_be_called_inside_a_loop(load):
    function = load("later")

    async def inside():
        return function({"a": 1})["a"], (await function.call_async({"a": 2}))["a"]

    assert asyncio.run(inside()) == (1, 2)


@pytest.mark.usefixtures("scoring")
def test_a_pipeline_is_one_after_the_other(opened):
    add, twice = opened("add", "local"), opened("echo", "process")

    with add | twice | opened("echo", "local") as pipeline:
        assert len(pipeline.stages) == 3
        assert pipeline({"x": 1, "y": 2}) == {"total": 3.0}
        assert asyncio.run(pipeline.call_async({"x": 1})) == {"total": 1.0}
        rows = pipeline.map([{"x": 1}, {}, {"x": 2}], on_error="return")

    assert rows[::2] == [{"total": 1.0}, {"total": 2.0}]
    assert (rows[1].index, type(rows[1].error)) == (1, InputError)
