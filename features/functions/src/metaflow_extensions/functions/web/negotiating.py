"""In which format a record comes over HTTP, and in which its result goes back."""

from __future__ import annotations

from dataclasses import dataclass
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
        taken = by_content_type(headers.get("content-type", ""))
        given = by_content_type(headers.get("accept", ""))
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


def many(taken: Serializer, body: bytes, schema: Mapping[str, Any]) -> Any:
    """Read a list of records, whose type `schema` is."""
    definitions = schema.get("$defs", {})
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    return taken.read(body, {"type": "array", "items": inner, "$defs": definitions})
