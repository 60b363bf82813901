"""Digests of what numpy and pandas hold; neither is imported unless a value of theirs is met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow.canonical import seal, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_metaflow_backends.flow.canonical import Walk


def array_handler(value: object) -> Callable[[Walk, Any], bytes] | None:
    """Choose how to take a value of numpy or pandas apart; None if it needs nothing special."""
    for kind in type(value).__mro__:
        if found := HANDLERS.get(f"{kind.__module__.partition('.')[0]}.{kind.__name__}"):
            return found
    return None


def _array(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    """Digest a numpy array: class, data type, shape, content in C order."""
    head = [type_name(value).encode(), _dtype(value.dtype), repr(value.shape).encode()]
    return seal("array", [*head, *_content(walk, value)])


def _masked(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    """Digest a masked array: what is under the mask does not count."""
    import numpy as np

    mask = np.ma.getmaskarray(value)
    return seal("masked", [walk.node(value.filled()), walk.node(mask), walk.node(value.fill_value)])


def _scalar(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    """Digest a numpy scalar: data type and value."""
    import numpy as np

    return seal("scalar", [_dtype(value.dtype), *_content(walk, np.asarray(value))])


def _dtype(dtype: Any) -> bytes:  # noqa: ANN401
    """Name a data type without its byte order, which belongs to the host."""
    return str(dtype.newbyteorder("=")).encode()


def _content(walk: Walk, array: Any) -> Sequence[bytes | memoryview]:  # noqa: ANN401
    import numpy as np

    plain = np.asarray(array)
    if plain.dtype.names is not None:  # by field: padding between them is never looked at
        return [part for name in plain.dtype.names for part in _content(walk, plain[name])]
    if plain.dtype.kind in "OTV" or plain.dtype.itemsize > _WIDEST.get(plain.dtype.kind, 1 << 62):
        return walk.nodes(_items(plain))
    return [memoryview(_portable(plain)).cast("B")] if plain.size else []


# Wider floats have bytes that mean nothing, and another layout on another kind of machine.
_WIDEST = {"f": 8, "c": 16}


def _items(plain: Any) -> list[Any]:  # noqa: ANN401
    if plain.dtype.kind in "fc":
        return [str(item) for item in plain.ravel()]
    return list(plain.ravel().tolist())


def _portable(plain: Any) -> Any:  # noqa: ANN401
    """Give the content as little-endian bytes in C order, all NaNs the same."""
    import numpy as np

    little = np.ascontiguousarray(plain, dtype=plain.dtype.newbyteorder("<"))
    if plain.dtype.kind in "fc" and np.isnan(little).any():
        parts = little.view(f"<f{little.dtype.itemsize // (1 + (plain.dtype.kind == 'c'))}").copy()
        parts[np.isnan(parts)] = np.nan
        little = parts
    return little.reshape(-1).view(np.uint8)


def _frame(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    """Digest a DataFrame: columns, index, each column's values, attributes."""
    columns = [_values(walk, value.iloc[:, number]) for number in range(value.shape[1])]
    return seal(
        "DataFrame",
        [
            type_name(value).encode(),
            walk.node(value.columns),
            walk.node(value.index),
            *columns,
            walk.node(dict(value.attrs)),
        ],
    )


def _series(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    """Digest a Series: name, index, values, attributes."""
    return seal(
        "Series",
        [
            type_name(value).encode(),
            walk.node(value.name),
            walk.node(value.index),
            _values(walk, value),
            walk.node(dict(value.attrs)),
        ],
    )


def _index(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    """Digest an Index of any kind; a RangeIndex equals the numbers it stands for."""
    return seal("Index", [walk.node(list(value.names)), _values(walk, value)])


def _values(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    """Digest the values of a Series, Index or pandas array, together with their data type."""
    import numpy as np

    dtype: Any = getattr(value, "dtype", None)
    if isinstance(dtype, np.dtype) and getattr(value, "nlevels", 1) == 1:
        return walk.node(value.to_numpy())
    kind = str(dtype).encode()
    if hasattr(dtype, "categories"):
        codes = getattr(value, "cat", value).codes
        parts = [
            walk.node(dtype.categories),
            walk.node(dtype.ordered),
            walk.node(np.asarray(codes)),
        ]
        return seal("categorical", parts)
    return seal("values", [kind, *walk.nodes(value.astype(object).tolist())])


def _extension_array(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    return seal("pandas array", [_values(walk, value)])


def _timestamp(walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    """Digest a Timestamp to the nanosecond; NaT and NA have classes of their own."""
    parts = [value.tz_localize(None).isoformat().encode(), bytes([value.fold]), value.unit.encode()]
    return seal("Timestamp", [*parts, walk.node(value.tzinfo)])


def _timedelta(_walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    return seal("Timedelta", [value.isoformat().encode(), value.unit.encode()])


def _singleton(_walk: Walk, value: Any) -> bytes:  # noqa: ANN401
    return seal("missing", [type(value).__name__.encode()])


HANDLERS: dict[str, Callable[[Walk, Any], bytes]] = {
    "numpy.MaskedArray": _masked,
    "numpy.ndarray": _array,
    "numpy.generic": _scalar,
    "pandas.DataFrame": _frame,
    "pandas.Series": _series,
    "pandas.Index": _index,
    "pandas.ExtensionArray": _extension_array,
    "pandas.Timestamp": _timestamp,
    "pandas.Timedelta": _timedelta,
    "pandas.NaTType": _singleton,
    "pandas.NAType": _singleton,
}
