"""Other formats say what JSON says: nothing more, nothing less."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metaflow_extensions.functions.errors import (
    FunctionError,
    InputError,
    MissingExtraError,
    OutputError,
)
from metaflow_extensions.functions.serializers import registry
from metaflow_extensions.functions.serializers.avro_format import avro_schema
from metaflow_extensions.functions.serializers.registry import by_content_type, by_name

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "count": {"type": "integer"},
        "rows": {"type": "array", "items": {"type": "number"}},
        "maybe": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        "inner": {"$ref": "#/$defs/Inner"},
    },
    "$defs": {"Inner": {"type": "object", "properties": {"x": {"type": "number"}}}},
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.fixed_dictionaries({
    "name": TEXTS,
    "count": st.integers(-(2**63), 2**63 - 1),
    "rows": st.lists(FLOATS),
    "maybe": st.none() | st.booleans(),
    "inner": st.fixed_dictionaries({"x": FLOATS}),
})  # fmt: skip


@pytest.mark.parametrize("name", ["json", "msgpack", "avro"])
@settings(deadline=None)  # the first example loads a library
@given(value=VALUES)
def test_a_value_comes_back_as_it_was(name, value):
    form = by_name(name)

    assert form.read(form.write(value, SCHEMA), SCHEMA) == value


@settings(deadline=None)  # the first example loads a library
@given(st.lists(st.fixed_dictionaries({"a": st.integers(-(2**63), 2**63 - 1), "b": TEXTS})))
def test_a_table_comes_back_as_it_was(rows):
    form = by_name("arrow")

    assert form.read(form.write(rows, {}), {}) == rows


@pytest.mark.parametrize("name", registry.OURS)
@settings(deadline=None)  # the first example loads a library
@given(written=st.binary(max_size=40))
def test_bytes_that_are_something_else_are_an_error_of_the_input_or_a_value(name, written):
    form = by_name(name)
    schema = {"type": "string"}

    try:
        value = form.read(written, schema)
    except InputError:
        return
    assert value is None or isinstance(value, bool | int | float | str | list | dict)


@pytest.mark.parametrize("name", registry.OURS)
def test_what_json_cannot_say_is_refused_in_every_format(name):
    with pytest.raises(OutputError, match="JSON"):
        by_name(name).write([{"x": float("nan")}], {"type": "array", "items": {"type": "object"}})


def test_avro_needs_types():
    with pytest.raises(FunctionError, match="Avro needs a type for Record: annotate"):
        avro_schema({"type": "object"})
    with pytest.raises(OutputError, match="does not fit its Avro schema"):
        by_name("avro").write({"x": "text"}, SCHEMA["$defs"]["Inner"])


def test_arrow_holds_objects():
    with pytest.raises(OutputError, match="lists of objects"):
        by_name("arrow").write([1], {})


HEADERS = {
    "": "json",
    "*/*": "json",
    "application/json; charset=utf-8": "json",
    "application/msgpack": "msgpack",
    "text/html, application/avro;q=0.9": "avro",
    "text/html": None,
}


@pytest.mark.parametrize(("said", "name"), HEADERS.items())
def test_a_header_names_a_format(said, name):
    found = by_content_type(said)

    assert (found.name if found else None) == name


def test_a_library_that_is_missing_is_named_with_its_extra():
    class Missing:
        name, content_type, needs = "msgpack", "x/y", "no_such_module"

    with pytest.raises(
        MissingExtraError, match=r'msgpack needs no_such_module: pip install "metaflow-open-fun'
    ):
        registry.usable(Missing())


def test_an_unknown_name_is_refused_where_the_function_is_bound(task):
    from metaflow import JsonFunction, function

    @function(serializer="yaml")
    def body(data):
        return data

    with pytest.raises(FunctionError, match="no serializer is called 'yaml': there are json, msg"):
        JsonFunction(body, task=task)


def test_a_distribution_can_offer_its_own(tmp_path, monkeypatch):
    (tmp_path / "own_format.py").write_text(
        "class Own:\n    name, content_type, needs = 'own', 'x/own', 'json'\n"
        "    def write(self, value, schema): return b'own'\n"
        "    def read(self, written, schema): return 'own'\n"
    )
    info = tmp_path / "own-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\nown = own_format:Own\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.serializers.cache_clear()

    try:
        assert by_content_type("x/own").write(1, {}) == b"own"
    finally:
        registry.serializers.cache_clear()
