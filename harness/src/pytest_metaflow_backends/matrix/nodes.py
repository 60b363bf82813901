"""From YAML nodes to plain data, by the core schema of YAML 1.2 alone.

So `on`, `no` and `1:30` stay text, and a date stays as it was written, also under `%YAML 1.1`.
Source: https://yaml.org/spec/1.2.2/#103-core-schema
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.matrix.mistake import Mistake, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_metaflow_backends.matrix.mistake import Place

MOST = 20_000  # values; aliases of aliases would make a small file endless
DEEPEST = 60  # levels; only an alias to what it stands in gets there
READ = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "map", "seq", "timestamp", "value")
)
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}")
_OTHER_BASE = re.compile(r"0o[0-7]{1,400}|0x[0-9a-fA-F]{1,400}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # no file and no environment variable can hold these


class EndlessError(Exception):
    """Aliases make the document larger than any matrix, or endless."""


@dataclass
class Builder:
    """Builds plain data from nodes and notes what a matrix cannot hold."""

    mistakes: list[Mistake] = field(default_factory=list)
    built: int = 0

    def build(self, node: Any, place: Place = ()) -> Any:  # noqa: ANN401 - whatever YAML can hold
        """Give dicts with text keys, lists, text, numbers, booleans, None.

        Raises EndlessError.
        """
        self.built += 1
        if self.built > MOST or len(place) > DEEPEST:
            raise EndlessError
        if str(node.tag) not in READ:
            self._note(place, f"a matrix has no values of the type {str(node.tag)!r}")
        if node.id == "mapping":
            return self._mapping(node, place)
        if node.id == "sequence":
            return [self.build(item, (*place, n)) for n, item in enumerate(node.value)]
        if _NO_TEXT.search(node.value):
            self._note(place, f"{shown(node.value)} holds a character that cannot be written")
        return scalar(node)

    def _mapping(self, node: Any, place: Place) -> dict[str, Any]:  # noqa: ANN401
        for text in _unusable(node):
            self._note(place, text)
        for key in _repeated(node):
            self._note((*place, key), f"duplicate key {shown(key)}", at_key=True)
        return {k.value: self.build(v, (*place, k.value)) for k, v in pairs(node)}

    def _note(self, place: Place, text: str, *, at_key: bool = False) -> None:
        self.mistakes.append(Mistake(place, text, at_key=at_key))


def pairs(node: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """Yield the (key, value) nodes of a mapping, those that win last: its own after merged ones.

    Raises EndlessError for a mapping that is merged into itself.
    """
    if depth > DEEPEST:
        raise EndlessError
    for key, value in node.value:
        if _merges(key):
            for source in reversed(_sources(value)):
                yield from pairs(source, depth + 1)
    own = [(key, value) for key, value in node.value if key.id == "scalar" and not _merges(key)]
    yield from own


def _merges(key: Any) -> bool:  # noqa: ANN401
    return bool(key.id == "scalar" and key.value == "<<" and not key.style)


def _sources(value: Any) -> list[Any]:  # noqa: ANN401
    listed = value.value if value.id == "sequence" else [value]
    return [node for node in listed if node.id == "mapping"]


def _unusable(node: Any) -> Iterator[str]:  # noqa: ANN401
    for key, value in node.value:
        if key.id != "scalar":
            yield f"a key must be text, not a {key.id}"
        elif _NO_TEXT.search(key.value):
            yield f"the key {shown(key.value)} holds a character that cannot be written"
        elif _merges(key) and not _sources(value):
            yield "`<<` takes a mapping, or a list of mappings"


def _repeated(node: Any) -> list[str]:  # noqa: ANN401
    keys = Counter(key.value for key, _ in node.value if key.id == "scalar")
    return [key for key, number in keys.items() if number > 1]


def scalar(node: Any) -> Any:  # noqa: ANN401
    """Read one scalar: what is quoted, a block or tagged `!!str` is text, the rest may be more."""
    text: str = node.value
    if node.style or str(node.tag).endswith(":str"):
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OTHER_BASE.fullmatch(text):
        return int(text, 0)
    return float(text) if _FLOAT.fullmatch(text) else text
