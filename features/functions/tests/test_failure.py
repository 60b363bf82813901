"""Exceptions as they travel: the class that the caller has, or one like it."""

from __future__ import annotations

import sys
import types

import pytest
from metaflow_extensions.functions.failure import Failure, RemoteTraceback


def raised(error):
    try:
        raise error  # noqa: TRY301 - to be caught
    except BaseException as caught:  # noqa: BLE001 - any can be raised
        return Failure.of(caught)


class OwnError(KeyError):
    pass


class Told(Exception):  # noqa: N818
    def __init__(self, row, text):
        super().__init__(f"row {row}: {text}")
        self.row, self.function = row, print


SAME = {
    "one of Python's": ValueError("a", 1),
    "with a number": FileNotFoundError(2, "No such file", "x"),
    "the caller's own": OwnError("x"),
}


@pytest.mark.parametrize("error", SAME.values(), ids=SAME)
def test_a_class_that_is_known_comes_back(error):
    made = raised(error).exception()

    assert (type(made), made.args, str(made)) == (type(error), error.args, str(error))
    assert isinstance(made.__cause__, RemoteTraceback)
    assert "test_failure.py" in str(made.__cause__)


def test_attributes_that_have_json_come_along_and_init_is_not_run_again():
    made = raised(Told(7, "bad")).exception()

    assert str(made) == "row 7: bad"
    assert made.row == 7
    assert not hasattr(made, "function")


def test_a_class_that_is_not_loaded_is_one_of_its_name_below_the_nearest_base(monkeypatch):
    module = types.ModuleType("their_module")
    module.Theirs = type("Theirs", (LookupError,), {"__module__": "their_module"})
    failure = raised(module.Theirs("gone"))

    unknown = failure.exception()
    monkeypatch.setitem(sys.modules, "their_module", module)
    known = failure.exception()

    assert type(unknown).__name__ == "Theirs"
    assert isinstance(unknown, LookupError)
    assert type(raised(module.Theirs("again")).exception()) is module.Theirs
    assert type(known) is module.Theirs


def test_what_ends_a_process_does_not_end_the_caller():
    made = raised(SystemExit(3)).exception()

    assert isinstance(made, Exception)
    assert "SystemExit(3)" in str(made)


def test_it_is_the_same_after_being_written_down():
    import orjson

    failure = raised(Told(1, "x"))

    assert Failure.read(orjson.loads(orjson.dumps(failure.as_dict()))) == failure
    assert str(failure) == "Told: row 1: x"
