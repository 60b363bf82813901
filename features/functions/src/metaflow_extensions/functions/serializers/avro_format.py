"""Avro without a container: one value, in the schema that the function's JSON Schema gives.

Both ends know the schema, so it is not sent; it is made and parsed once for each function.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.codec import NoJsonError, decode, encode
from metaflow_extensions.functions.errors import FunctionError, InputError, OutputError
from metaflow_extensions.functions.schema import write

if TYPE_CHECKING:
    from collections.abc import Mapping

PLAIN = {"string": "string", "integer": "long", "number": "double", "boolean": "boolean"}


def avro_schema(schema: Mapping[str, Any], name: str = "Record") -> Any:
    """Make an Avro schema of a JSON Schema; FunctionError for what Avro cannot say."""
    definitions = schema.get("$defs", {})
    return _schema(schema, definitions, name)


def _schema(part: Mapping[str, Any], definitions: Mapping[str, Any], name: str) -> Any:
    if "$ref" in part:
        part = definitions[part["$ref"].rpartition("/")[2]]
    if "anyOf" in part:
        return [_schema(one, definitions, f"{name}_{n}") for n, one in enumerate(part["anyOf"])]
    kind = part.get("type")
    if kind in PLAIN:
        return PLAIN[kind]
    if kind == "null":
        return "null"
    if kind == "array":
        items = _schema(part.get("items", {}), definitions, f"{name}_item")
        return {"type": "array", "items": items}
    if kind == "object" and "properties" in part:
        return _record(part, definitions, name)
    raise FunctionError(
        f"Avro needs a type for {name}: annotate the function with a pydantic model, or take JSON"
    )


def _record(part: Mapping[str, Any], definitions: Mapping[str, Any], name: str) -> Any:
    fields = []
    for field, inner in part["properties"].items():
        one = {"name": field, "type": _schema(inner, definitions, f"{name}_{field}")}
        if "default" in inner:
            one["default"] = inner["default"]
        fields.append(one)
    return {"type": "record", "name": name, "fields": fields}


@lru_cache(maxsize=256)
def _parsed(schema: str) -> Any:
    import fastavro

    return fastavro.parse_schema(avro_schema(json.loads(schema)))


@dataclass(frozen=True)
class Avro:
    """Binary Avro of one value."""

    name: str = "avro"
    content_type: str = "application/avro"
    needs: str = "fastavro"

    def write(self, value: Any, schema: Mapping[str, Any]) -> bytes:
        import fastavro

        written = io.BytesIO()
        plain = decode(write(value))
        try:
            fastavro.schemaless_writer(written, _parsed(json.dumps(schema)), plain, strict=True)
        except (ValueError, TypeError, KeyError) as error:
            raise OutputError(f"the result does not fit its Avro schema: {error}") from None
        return written.getvalue()

    def read(self, written: bytes, schema: Mapping[str, Any]) -> Any:
        import fastavro

        parsed = _parsed(json.dumps(schema))
        source = io.BytesIO(written)
        try:
            value = fastavro.schemaless_reader(source, parsed, None)
            encode(value)
        except NoJsonError as error:
            raise InputError(f"Avro that is no JSON: {error}") from None
        except Exception as error:  # noqa: BLE001 - whatever bytes lead to
            raise InputError(f"no Avro of this function: {type(error).__name__}") from None
        if source.read(1):
            raise InputError("no Avro of this function: there is more than one value")
        return value


FORMAT = Avro()
