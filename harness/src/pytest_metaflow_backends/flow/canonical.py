"""A digest of a value by its content: equal values have equal digests on every host.

Neither the order of a dict or set, nor the hash seed, byte order, memory layout or the sharing of
equal parts counts. What a reader of the value can tell apart has different digests: 1, True, 1.0
and "1"; 0.0 and -0.0; a list and a tuple. All NaNs are one. A value that contains itself is
followed until it meets itself. Objects of unknown classes are taken apart as pickle would do it
(`__reduce_ex__`), so that sets inside them do not depend on the hash seed either.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import pickle
import struct
import sys
from collections import OrderedDict
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from itertools import chain
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DIGEST_BYTES = 16
DEPTH = 20_000  # frames; about a quarter of it in levels of nesting


def digest(value: object) -> str:
    """Give the digest of a value as 32 hexadecimal digits."""
    with _deep_recursion():
        return Walk().node(value).hex()


@contextmanager
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def seal(kind: str, parts: Iterable[bytes | memoryview]) -> bytes:
    """Hash a kind and its parts; each part's length goes in, so that parts cannot run together."""
    state = hashlib.blake2b(kind.encode() + b"\0", digest_size=DIGEST_BYTES)
    for part in parts:
        state.update(len(part).to_bytes(8, "little"))
        state.update(part)
    return state.digest()


def type_name(value: object) -> str:
    """Name a value's class with its module."""
    return qualified(type(value))


def qualified(named: Any) -> str:  # noqa: ANN401 - a class or a function
    """Name a class or a function with its module."""
    return f"{named.__module__}.{named.__qualname__}"


class Walk:
    """One walk over a value. `node` gives the digest of a part; containers call it again.

    A finished part is remembered by identity (and kept alive meanwhile), so that what is shared
    many times is walked once; not if it points back to a part that is still open, since then its
    digest depends on where it was met.
    """

    def __init__(self) -> None:
        self._done: dict[int, tuple[object, bytes]] = {}
        self._open: dict[int, int] = {}  # identity -> depth
        self._lowest = sys.maxsize  # depth of the outermost open part that was met again

    def node(self, value: object) -> bytes:
        """Digest one part."""
        leaf = LEAVES.get(type(value))
        return leaf(value) if leaf else self._container(value)

    def nodes(self, values: Iterable[object]) -> list[bytes]:
        """Digest several parts, in their order."""
        return [self.node(value) for value in values]

    def _container(self, value: object) -> bytes:
        identity = id(value)
        if identity in self._done:
            return self._done[identity][1]
        depth = len(self._open)
        if identity in self._open:
            self._lowest = min(self._lowest, self._open[identity])
            return seal("again", [(depth - self._open[identity]).to_bytes(8, "little")])
        outer, self._lowest = self._lowest, sys.maxsize
        self._open[identity] = depth
        try:
            found = handler(value)(self, value)
        finally:
            del self._open[identity]
        if self._lowest >= depth:
            self._done[identity] = (value, found)
            self._lowest = sys.maxsize
        self._lowest = min(outer, self._lowest)
        return found


def _none(_value: object) -> bytes:
    return seal("None", [])


def _bool(value: bool) -> bytes:  # noqa: FBT001
    return seal("bool", [bytes([value])])


def _int(value: int) -> bytes:
    return seal("int", [value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)])


def float_bytes(value: float) -> bytes:
    """Give the eight bytes of a float, the same for all NaNs."""
    return struct.pack("<d", math.nan if math.isnan(value) else value)


def _float(value: float) -> bytes:
    return seal("float", [float_bytes(abs(value) if math.isnan(value) else value)])


def _complex(value: complex) -> bytes:
    return seal("complex", [_float(value.real), _float(value.imag)])


def _str(value: str) -> bytes:
    return seal("str", [value.encode("utf-8", "surrogatepass")])


def _bytes(value: bytes) -> bytes:
    return seal("bytes", [value])


def _bytearray(value: bytearray) -> bytes:
    return seal("bytearray", [memoryview(value)])


def _date(value: date) -> bytes:
    return seal("date", [value.isoformat().encode()])


def _timedelta(value: timedelta) -> bytes:
    return seal(
        "timedelta", [_int(part) for part in (value.days, value.seconds, value.microseconds)]
    )


def _decimal(value: Decimal) -> bytes:
    return seal("Decimal", [str(value.as_tuple()).encode()])


LEAVES: dict[type, Callable[[Any], bytes]] = {
    type(None): _none,
    bool: _bool,
    int: _int,
    float: _float,
    complex: _complex,
    str: _str,
    bytes: _bytes,
    bytearray: _bytearray,
    date: _date,
    timedelta: _timedelta,
    Decimal: _decimal,
}


def _list(walk: Walk, value: list[object]) -> bytes:
    return seal("list", walk.nodes(value))


def _tuple(walk: Walk, value: tuple[object, ...]) -> bytes:
    return seal("tuple", walk.nodes(value))


def _dict(walk: Walk, value: dict[object, object]) -> bytes:
    return seal("dict", pairs(walk, value.items()))


def pairs(walk: Walk, items: Iterable[tuple[object, object]]) -> list[bytes]:
    """Digest keys and values, ordered by the keys' digests."""
    return [
        part for pair in sorted((walk.node(k), walk.node(v)) for k, v in items) for part in pair
    ]


def _set(walk: Walk, value: set[object]) -> bytes:
    return seal("set", sorted(walk.nodes(value)))


def _frozenset(walk: Walk, value: frozenset[object]) -> bytes:
    return seal("frozenset", sorted(walk.nodes(value)))


def _datetime(walk: Walk, value: datetime) -> bytes:
    text = value.replace(tzinfo=None).isoformat()
    return seal("datetime", [text.encode(), bytes([value.fold]), walk.node(value.tzinfo)])


def _time(walk: Walk, value: time) -> bytes:
    text = value.replace(tzinfo=None).isoformat()
    return seal("time", [text.encode(), bytes([value.fold]), walk.node(value.tzinfo)])


CONTAINERS: dict[type, Callable[[Walk, Any], bytes]] = {
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _frozenset,
    datetime: _datetime,
    time: _time,
}


def handler(value: object) -> Callable[[Walk, Any], bytes]:
    """Choose how to take a value apart."""
    if exact := CONTAINERS.get(type(value)):
        return exact
    module = type(value).__module__.partition(".")[0]
    if module in {"numpy", "pandas"}:
        from pytest_metaflow_backends.flow.canonical_arrays import array_handler

        if found := array_handler(value):
            return found
    return next((take for kind, take in FAMILIES if isinstance(value, kind)), _object)


def _named(_walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    return seal("named", [qualified(value).encode()])


def _enum(walk: Walk, value: Enum) -> bytes:
    return seal("Enum", [type_name(value).encode(), walk.node(value.name), walk.node(value.value)])


def _path(_walk: Walk, value: PurePath) -> bytes:
    return seal("Path", [str(value).encode("utf-8", "surrogatepass")])


def _own_set(walk: Walk, value: set[object]) -> bytes:
    """Take a subclass of set apart: pickle's form of it has the order of the hash seed."""
    state = getattr(value, "__dict__", None)
    return seal("set", [type_name(value).encode(), *sorted(walk.nodes(value)), walk.node(state)])


FAMILIES: tuple[tuple[Any, Callable[[Walk, Any], bytes]], ...] = (
    (type, _named),
    (Enum, _enum),
    (PurePath, _path),
    ((set, frozenset), _own_set),
)


def _object(walk: Walk, value: object) -> bytes:
    """Take an object apart as pickle does; what pickle cannot, is its class and nothing else."""
    name = type_name(value).encode()
    if dataclasses.is_dataclass(value):
        named = [(f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value)]
        own = getattr(value, "__dict__", {})
        return seal("dataclass", [name, *pairs(walk, {**own, **dict(named)}.items())])
    try:
        reduced = value.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - a class may raise anything to say that it is not picklable
        return seal("opaque", [name])
    if isinstance(reduced, str):  # a global: a function, Ellipsis, a singleton
        return seal("global", [str(getattr(value, "__module__", "")).encode(), reduced.encode()])
    return _reduced(walk, name, reduced, ordered=isinstance(value, OrderedDict))


def _reduced(walk: Walk, name: bytes, reduced: tuple[Any, ...], *, ordered: bool) -> bytes:
    """Digest (callable, arguments, state, items of a list, items of a dict).

    The items of a dict have an order only in one that compares by it.
    """
    parts: list[Any] = [*reduced[:5], *[None] * (5 - len(reduced))]
    make, arguments, state, listed, mapped = parts
    items = [*(mapped or ())]
    return seal(
        "object",
        [
            name,
            walk.node(getattr(make, "__qualname__", type_name(make))),
            walk.node(tuple(arguments)),
            walk.node(state),
            *walk.nodes(listed or ()),
            seal("items", walk.nodes(chain(*items)) if ordered else pairs(walk, items)),
        ],
    )
