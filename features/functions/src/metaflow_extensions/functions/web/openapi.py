"""What a function says of itself in an OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaflow_extensions.functions.reference import Reference

ERROR = {"type": "object", "properties": {"detail": {}}, "required": ["detail"]}
NULL = {"type": "null"}
JSON = "application/json"
RESPONSES = {
    406: "No format that is accepted can be written.",
    415: "The format of the record cannot be read.",
    422: "The record is not what the function takes; `detail` has the fields.",
    500: "The function raised an exception.",
    503: "The worker ended during the call.",
    504: "The call took too long.",
}


def of_one(reference: Reference) -> dict[str, Any]:
    """Describe the route for a record."""
    function = reference.function
    taken: dict[str, Any] = {"schema": inlined(function.input_schema)}
    if reference.example is not None:
        taken["example"] = reference.example.record
    return _route(reference, function.name, taken, inlined(function.output_schema))


def of_many(reference: Reference) -> dict[str, Any]:
    """Describe the route for a list of records."""
    function = reference.function
    taken: dict[str, Any] = {"type": "array", "items": inlined(function.input_schema)}
    values = {"type": "array", "items": {"anyOf": [inlined(function.output_schema), NULL]}}
    properties = {"values": values, "errors": {"type": "object"}}
    given = {"type": "object", "properties": properties, "required": ["values", "errors"]}
    return _route(reference, f"{function.name}_batch", {"schema": taken}, given)


def _route(
    reference: Reference, name: str, taken: dict[str, Any], given: dict[str, Any]
) -> dict[str, Any]:
    answers: dict[int | str, dict[str, Any]] = {
        200: {"description": "The result.", "content": {JSON: {"schema": given}}}
    }
    for code, text in RESPONSES.items():
        answers[code] = {"description": text, "content": {JSON: {"schema": ERROR}}}
    return {
        "summary": name,
        "operation_id": name,
        "description": reference.function.doc or None,
        "responses": answers,
        "openapi_extra": {"requestBody": {"required": True, "content": {JSON: taken}}},
    }


def inlined(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Put definitions where they are used: `#/$defs/X` would be looked for in the whole document.

    A type that holds itself is not described further down than once.
    """
    definitions = schema.get("$defs", {})
    found: dict[str, Any] = _inlined({k: v for k, v in schema.items() if k != "$defs"}, definitions)
    return found


def _inlined(part: Any, definitions: Mapping[str, Any], inside: tuple[str, ...] = ()) -> Any:
    if isinstance(part, list):
        return [_inlined(one, definitions, inside) for one in part]
    if not isinstance(part, dict):
        return part
    name = str(part.get("$ref", "")).removeprefix("#/$defs/")
    if name in inside:
        return {}
    if name in definitions:
        rest = {key: value for key, value in part.items() if key != "$ref"}
        return {**_inlined(definitions[name], definitions, (*inside, name)), **rest}
    return {key: _inlined(value, definitions, inside) for key, value in part.items()}
