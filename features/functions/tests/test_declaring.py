"""What can be a function, and what is refused when it is written, not when it is served."""

from __future__ import annotations

import pytest
from metaflow import FunctionParameters, JsonFunction, function, function_from_json, json_function
from metaflow_extensions.functions.declaring import Declaration, declaration_of
from metaflow_extensions.functions.errors import DeclarationError
from metaflow_extensions.functions.schema import Signature


def one(data): ...
def two(data, params): ...
async def later(data, params): ...
def with_default(data, params=None, more=1): ...
def none(): ...
def three(a, b, c): ...
def keyword(data, *, need): ...
def rest(*data): ...
def stream(data):
    yield data


async def async_stream(data):
    yield data


GOOD = {
    one: Declaration(batch=False, serializer="json", takes_params=False, is_async=False),
    two: Declaration(batch=False, serializer="json", takes_params=True, is_async=False),
    later: Declaration(batch=False, serializer="json", takes_params=True, is_async=True),
}


@pytest.mark.parametrize(("written", "expected"), GOOD.items(), ids=lambda f: str(f)[:20])
def test_a_function_takes_a_record_and_perhaps_what_the_task_gives(written, expected):
    marked = json_function(written)

    assert marked is written
    assert declaration_of(marked) == expected
    assert declaration_of(lambda data: data).takes_params is False


@pytest.mark.parametrize("written", [none, three, keyword, rest, with_default])
def test_another_shape_is_refused_where_it_is_written(written):
    with pytest.raises(DeclarationError, match=f"{written.__name__}.*takes one record"):
        json_function(written)


@pytest.mark.parametrize("written", [stream, async_stream])
def test_a_stream_is_refused(written):
    with pytest.raises(DeclarationError, match="yields: a function returns one result"):
        json_function(written)


def test_what_is_no_function_is_refused():
    with pytest.raises(DeclarationError, match="is no function"):
        json_function(FunctionParameters)


def test_batch_is_said_to_the_decorator():
    assert declaration_of(json_function(batch=True)(one)).batch
    assert declaration_of(function(batch=True)(one)).batch


def test_all_names_come_from_metaflow_itself():
    import metaflow

    ours = (json_function, function, FunctionParameters, JsonFunction, function_from_json)
    assert all(getattr(metaflow, name.__name__) is name for name in ours)


def test_the_schemas_are_those_of_the_types(scoring):
    def schemas(name):
        written = getattr(scoring, name)
        signature = Signature.of(written, declaration_of(written))
        return signature.input_schema, signature.output_schema

    taken, given = schemas("add")

    assert taken["properties"]["y"] == {
        "default": 0, "minimum": 0, "title": "Y", "type": "integer",
    }  # fmt: skip
    assert given["properties"] == {"total": {"title": "Total", "type": "number"}}
    assert schemas("greet")[0]["required"] == ["name"]
    assert schemas("predict") == ({"type": "object"}, {"type": "object"})
    assert schemas("echo") == ({}, {})
    assert schemas("vectors")[1] == {"type": "number"}


def test_a_type_without_json_is_refused():
    def unresolved(data: Nowhere) -> int: ...  # noqa: F821

    def no_list(rows: dict) -> list: ...

    with pytest.raises(DeclarationError, match="annotation cannot be resolved: name 'Nowhere'"):
        Signature.of(unresolved, declaration_of(unresolved))
    with pytest.raises(DeclarationError, match="is no list"):
        Signature.of(no_list, declaration_of(function(batch=True)(no_list)))
