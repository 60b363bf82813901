"""MessagePack: JSON's values in fewer bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.codec import NoJsonError, decode, encode
from metaflow_extensions.functions.errors import InputError
from metaflow_extensions.functions.schema import write

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class MessagePack:
    """The subset that JSON has too: no binary data, no keys but text."""

    name: str = "msgpack"
    content_type: str = "application/msgpack"
    needs: str = "msgpack"

    def write(self, value: Any, schema: Mapping[str, Any]) -> bytes:  # noqa: ARG002 - a contract
        import msgpack

        packed: bytes = msgpack.packb(decode(write(value)))
        return packed

    def read(self, written: bytes, schema: Mapping[str, Any]) -> Any:  # noqa: ARG002 - a contract
        import msgpack

        try:
            value = msgpack.unpackb(written)
            encode(value)
        except NoJsonError as error:
            raise InputError(f"MessagePack that is no JSON: {error}") from None
        except Exception as error:  # noqa: BLE001 - its own kinds, and others
            raise InputError(f"no MessagePack: {error or type(error).__name__}") from None
        return value


FORMAT = MessagePack()
