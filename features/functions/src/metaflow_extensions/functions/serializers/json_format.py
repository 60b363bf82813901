"""JSON, as everything else here speaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.codec import decode
from metaflow_extensions.functions.schema import write

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Json:
    """The format of calls."""

    name: str = "json"
    content_type: str = "application/json"
    needs: str = "orjson"

    def write(self, value: Any, schema: Mapping[str, Any]) -> bytes:  # noqa: ARG002 - a contract
        return write(value)

    def read(self, written: bytes, schema: Mapping[str, Any]) -> Any:  # noqa: ARG002 - a contract
        return decode(written)


FORMAT = Json()
