"""One meaning: the same record gives the same value or the same error on all backends."""

from __future__ import annotations

import builtins

import pytest
from metaflow_extensions.functions.backend import NAMES
from metaflow_extensions.functions.errors import FunctionError, InputError, OutputError

# What is written, or a part of what is said where JSON has no such thing.
KINDS = {
    "datetime": "2026-01-02T03:04:05+00:00",
    "np.float32": 0.5,
    "ndarray": [0, 1, 2],
    "tuple": [1, 2],
    "set": OutputError("$ is of type set, which has no JSON"),
    "Decimal": OutputError("$ is of type Decimal, which has no JSON"),
    "nan": OutputError("$ is nan: JSON has no such number"),
    "2**70": OutputError("$ is an integer beyond 64 bits: return it as text"),
    "int keys": OutputError("$ has the key 1: keys in JSON are text"),
    "object": OutputError("$ is of type object, which has no JSON"),
    "list": [1, "a", None],
    "None": None,
    "bytes": OutputError("$ is of type bytes, which has no JSON"),
    "inner nan": OutputError("$.x[1].y is inf: JSON has no such number"),
    "nan array": OutputError("$[1] is nan: JSON has no such number"),
    "ordered": {"b": 1, "a": 2},
    "dataclass": {"total": 1.5},
    "model": {"x": 1.0, "y": 0},
}


@pytest.fixture(params=NAMES)  # all of them share one cluster, where they need one
def load(request, shared):
    return lambda name: shared(name, request.param)


def outcome(call, *given):
    """Give what a call returns, or what it raises as something that can be compared."""
    try:
        return call(*given)
    except Exception as error:  # noqa: BLE001 - it is compared
        return type(error), str(error)


def test_every_kind_of_output_is_the_value_or_the_error_that_is_documented(load):
    function = load("kind")

    for name, expected in KINDS.items():
        actual = outcome(function, name)
        if isinstance(expected, OutputError):
            assert actual == (OutputError, f"the result has no JSON: {expected}"), name
        else:
            assert (actual, type(actual)) == (expected, type(expected)), name


def test_map_gives_what_calls_give(load):
    function = load("kind")

    rows = function.map(list(KINDS), on_error="return", batch_size=7)

    for name, row in zip(KINDS, rows, strict=True):
        mapped = (type(row.error), str(row.error)) if hasattr(row, "error") else row
        assert mapped == outcome(function, name)


def test_a_batch_gives_each_kind_what_a_call_gives(load):
    names = list(KINDS)
    one, many = load("kind"), load("kinds")

    rows = many.map(names, on_error="return", batch_size=len(names))

    for name, row in zip(names, rows, strict=True):
        mapped = (type(row.error), str(row.error)) if hasattr(row, "error") else row
        assert mapped == outcome(one, name)


def test_a_function_that_gives_the_same_object_each_time_gives_what_it_was_then(load):
    records = [{"n": 1}, {"n": 2}, {"n": 3}]

    assert load("same_object").map(records) == records


INPUTS = {
    "bytes": (b"{}", "$ is of type bytes, which has no JSON"),
    "nan": ({"x": float("nan")}, "$.x is nan: JSON has no such number"),
    "int keys": ({1: 2}, "$ has the key 1: keys in JSON are text"),
    "object": ({"a": [object()]}, "$.a[0] is of type object, which has no JSON"),
}


@pytest.mark.parametrize(("record", "said"), INPUTS.values(), ids=INPUTS)
def test_a_record_without_json_is_refused_and_the_handle_stays_usable(load, record, said):
    function = load("echo")

    assert outcome(function, record) == (InputError, f"the record has no JSON: {said}")
    assert function({"a": 1}) == {"a": 1}


WRONG = {
    "no object": ("predict", [1], "a JSON object is wanted, not list"),
    "a field is missing": ("add", {}, "no Point: x: Field required"),
    "two are wrong": ("add", {"x": "a", "y": -1}, "no Point: x: Input should be a valid number"),
    "a key of a TypedDict": ("greet", {"nome": "a"}, "no Named: name: Field required"),
}


@pytest.mark.parametrize(("name", "record", "said"), WRONG.values(), ids=WRONG)
def test_a_record_of_another_type_is_refused_with_the_field(load, name, record, said):
    with pytest.raises(InputError) as raised:
        load(name)(record)

    assert str(raised.value).startswith(said)
    assert raised.value.errors[0]["loc"] == ([] if name == "predict" else [said.split(": ")[1]])


def test_types_are_made_of_records_and_records_of_types(load):
    assert load("add")({"x": 1.5, "y": 2}) == {"total": 3.5}
    assert load("greet")({"name": "you"}) == "hello you"
    assert load("vectors")({"x": 2}) == 4.0
    assert load("later")({"a": 1})["a"] == 1
    assert load("predict")({"a": 1, "b": 2}) == {"prediction": 6}
    assert load("typed_params")({"a": 1, "b": 2}) == 6


@pytest.mark.parametrize("given", [[1], None])
def test_a_result_that_is_not_what_was_declared_is_refused(load, given):
    kind = "None" if given is None else "list"

    actual = outcome(load("wrong_return"), {"kind": given})

    assert actual == (OutputError, f"the function says it returns dict, and returned {kind}")


def test_a_batch_that_gives_too_few_results_is_refused(load):
    actual = outcome(load("too_few"), {"a": 1})

    assert actual == (OutputError, "a batch of 1 records gave 0 results, not as many results")


RAISED = {
    "KeyError": (KeyError, ("missing",)),
    "OSError": (FileNotFoundError, (2, "No such file")),
    "chained": (RuntimeError, ("outer",)),
    "exit": (FunctionError, ("the function ended its process: SystemExit(3)",)),
}


@pytest.mark.parametrize(("how", "expected"), RAISED.items(), ids=RAISED)
def test_the_exception_is_the_one_that_was_raised(load, how, expected):
    with pytest.raises(expected[0]) as raised:
        load("fails")(how)

    assert (type(raised.value), raised.value.args) == expected
    assert "in fails" in str(raised.value.__cause__)
    assert "scoring.py" in str(raised.value.__cause__)
    assert "_metaflow_function_" not in str(raised.value.__cause__)


def test_an_exception_of_the_users_own_is_the_class_that_the_caller_has(load, scoring):
    with pytest.raises(scoring.OddError) as raised:
        load("fails")("OddError")

    assert raised.value.row == 7
    assert str(raised.value) == "odd row 7"


def test_an_exception_that_cannot_be_made_again_keeps_its_text_and_base(load):
    with pytest.raises(ValueError, match="can't decode byte 0xff") as raised:
        load("fails")("other")

    assert type(raised.value).__name__ == builtins.UnicodeDecodeError.__name__


def test_records_are_copies_on_every_backend(load):
    record = {"a": [1]}

    given = load("echo")(record)
    given["a"].append(2)

    assert record == {"a": [1]}
