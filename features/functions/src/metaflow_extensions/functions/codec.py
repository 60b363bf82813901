"""JSON as every backend speaks it; decided once, so that no backend changes a value on its way.

What has one meaning in JSON is written: tuples as lists, dataclasses and pydantic models as
objects, enums as their value, dates and UUIDs as text (RFC 3339), numpy as numbers and lists. What
JSON cannot say is refused, never rounded or turned into text: NaN, integers beyond 64 bits, bytes,
sets, Decimals, keys that are no text, and objects.
"""

from __future__ import annotations

import math
from typing import Any

import orjson
from metaflow_extensions.functions.errors import InputError

OPTIONS = orjson.OPT_SERIALIZE_NUMPY
DEEPEST = 64  # levels that an explanation looks into
LIST_LIKE = (list, tuple)


class NoJsonError(TypeError):
    """A value has no JSON; the message says where it is."""


def encode(value: Any) -> bytes:
    """Write a value; NoJsonError names the place of the first that has no JSON."""
    try:
        written = orjson.dumps(value, _default, OPTIONS)
    except (TypeError, RecursionError) as error:
        raise NoJsonError(_where(value, "$", 0) or str(error)) from None
    if b"null" in written and (place := _not_finite(value, "$", 0)):
        raise NoJsonError(place)
    return written


def decode(written: bytes | bytearray | memoryview) -> Any:
    """Read a value; InputError if it is no JSON."""
    try:
        return orjson.loads(written)
    except orjson.JSONDecodeError as error:
        raise InputError(f"no JSON: {error}") from None


def _default(value: Any) -> Any:
    """Turn what orjson does not know, and has one meaning, into what it does."""
    if hasattr(type(value), "__pydantic_serializer__"):
        return value.model_dump(mode="json")
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        plain = value.tolist()  # an array that does not lie in one piece
        if type(plain) is not type(value):
            return plain
    raise TypeError


def _children(value: Any, place: str) -> list[tuple[Any, str]]:
    if isinstance(value, dict):
        return [(inner, f"{place}.{key}") for key, inner in value.items()]
    if isinstance(value, LIST_LIKE):
        return [(inner, f"{place}[{index}]") for index, inner in enumerate(value)]
    if hasattr(value, "__dataclass_fields__"):
        return [(getattr(value, name), f"{place}.{name}") for name in value.__dataclass_fields__]
    return []


def _where(value: Any, place: str, depth: int) -> str | None:
    """Find the innermost value that cannot be written."""
    try:
        orjson.dumps(value, _default, OPTIONS)
    except (TypeError, RecursionError):
        if depth >= DEEPEST:
            return f"{place} is nested too deep for JSON"
        inside = (_where(inner, at, depth + 1) for inner, at in _children(value, place))
        return next(filter(None, inside), None) or _cannot(value, place)
    return None


def _cannot(value: Any, place: str) -> str:
    if isinstance(value, dict):
        key = next((key for key in value if not isinstance(key, str)), None)
        return f"{place} has the key {key!r}: keys in JSON are text"
    if isinstance(value, int):
        return f"{place} is an integer beyond 64 bits: return it as text"
    return f"{place} is of type {type(value).__name__}, which has no JSON"


def _not_finite(value: Any, place: str, depth: int) -> str | None:
    """Find a NaN or an infinity, which orjson writes as null."""
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{place} is {value}: JSON has no such number"
    if type(value).__module__ == "numpy" and hasattr(value, "tolist"):
        return _not_finite(value.tolist(), place, depth)
    if hasattr(type(value), "__pydantic_serializer__"):
        return _not_finite(value.model_dump(), place, depth)
    inside = (_not_finite(inner, at, depth + 1) for inner, at in _children(value, place))
    return next(filter(None, inside), None)
