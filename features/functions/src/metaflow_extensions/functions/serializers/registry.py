"""Finds a serializer by its name or content type."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol

from metaflow_extensions.functions.errors import FunctionError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "metaflow_functions.serializers"
OURS = ("json", "msgpack", "avro", "arrow")


class Serializer(Protocol):
    """Writes and reads values that JSON can say.

    `schema` is the JSON Schema of the value. `read` raises InputError for bytes that it cannot
    read, `write` OutputError for a value that it cannot write. Libraries are imported inside.
    """

    name: str
    content_type: str
    needs: str  # the module that must be importable

    def write(self, value: Any, schema: Mapping[str, Any]) -> bytes: ...
    def read(self, written: bytes, schema: Mapping[str, Any]) -> Any: ...


@cache
def serializers() -> dict[str, Serializer]:
    """Give all serializers by name: ours, and those that distributions offer as entry points."""
    found = {name: _ours(name) for name in OURS}
    for one in entry_points(group=GROUP):
        made: Serializer = one.load()()
        found[made.name] = made
    return found


def _ours(name: str) -> Serializer:
    made: Serializer = import_module(f"{__package__}.{name}_format").FORMAT
    return made


def by_name(name: str) -> Serializer:
    """Give a serializer that can be used here; FunctionError if there is none of that name."""
    found = serializers().get(name)
    if found is None:
        raise FunctionError(
            f"no serializer is called {name!r}: there are {', '.join(serializers())}"
        )
    return usable(found)


def by_content_type(said: str) -> Serializer | None:
    """Give the serializer of a Content-Type or of the best of an Accept header; None for no other.

    Nothing said, and anything goes, is JSON.
    """
    for part in said.split(","):
        wanted = part.partition(";")[0].strip().lower()
        if wanted in {"", "*/*", "application/*"}:
            return serializers()["json"]
        for one in serializers().values():
            if one.content_type == wanted:
                return usable(one)
    return None


def usable(found: Serializer) -> Serializer:
    """Give it back; MissingExtraError if its library is not installed."""
    try:
        import_module(found.needs)
    except ImportError:
        raise MissingExtraError(
            f'{found.name} needs {found.needs}: pip install "metaflow-open-functions[{found.name}]"'
        ) from None
    return found
