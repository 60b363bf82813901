"""One call: a record to JSON, to a backend, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.codec import NoJsonError, decode, encode
from metaflow_extensions.functions.errors import InputError
from metaflow_extensions.functions.rows import within

if TYPE_CHECKING:
    from metaflow_extensions.functions.backend import Backend


def call(backend: Backend, record: Any, timeout: float | None) -> Any:
    """Run a record; InputError for one that has no JSON."""
    try:
        payload = encode(record)
    except NoJsonError as error:
        raise InputError(f"the record has no JSON: {error}") from None
    return decode(raw(backend, payload, timeout))


def raw(backend: Backend, payload: bytes, timeout: float | None) -> bytes | bytearray:
    """Run a record that is JSON already."""
    return backend.call(within(payload, backend.largest), timeout)
