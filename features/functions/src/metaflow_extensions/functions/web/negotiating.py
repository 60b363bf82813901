"""In which format a record comes over HTTP, and in which its result goes back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.codec import decode, encode
from metaflow_extensions.functions.serializers.registry import by_content_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaflow_extensions.functions.reference import Reference
    from metaflow_extensions.functions.serializers.registry import Serializer

UNSUPPORTED, NOT_ACCEPTABLE = 415, 406


@dataclass(frozen=True)
class Formats:
    """The serializers of one request."""

    taken: Serializer
    given: Serializer

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Formats | int:
        """Read the headers; gives a status if one names what nobody here can do."""
        return _chosen(headers.get("content-type", ""), headers.get("accept", ""))

    @classmethod
    def named(cls, content_type: str, accept: str) -> Formats | int:
        """Find the serializers of both; a status if there is none."""
        taken, given = by_content_type(content_type), by_content_type(accept)
        if taken is None:
            return UNSUPPORTED
        return cls(taken, given) if given is not None else NOT_ACCEPTABLE

    def payload(self, body: bytes, reference: Reference) -> bytes:
        """Make JSON of what came; InputError if it cannot be read."""
        if self.taken.name == "json":
            return body
        return encode(self.taken.read(body, reference.function.input_schema))

    def body(self, result: bytes | bytearray, reference: Reference) -> bytes:
        """Write a result as it was asked for; OutputError if that cannot be."""
        if self.given.name == "json":
            return bytes(result)
        return self.given.write(decode(result), reference.function.output_schema)


@lru_cache(maxsize=256)
def _chosen(content_type: str, accept: str) -> Formats | int:
    return Formats.named(content_type, accept)


def many(taken: Serializer, body: bytes, schema: Mapping[str, Any]) -> Any:
    """Read a list of records, whose type `schema` is."""
    definitions = schema.get("$defs", {})
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    return taken.read(body, {"type": "array", "items": inner, "$defs": definitions})
