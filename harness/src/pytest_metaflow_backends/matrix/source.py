"""The text of matrix.yaml: plain data, and where in the file each part of it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.nodes import Builder, EndlessError, pairs
from pytest_metaflow_backends.matrix.syntax import compose

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_metaflow_backends.matrix.mistake import Mistake, Place


@dataclass(frozen=True)
class Source:
    """A parsed YAML file that remembers positions."""

    path: Path
    data: Any  # plain dicts with text keys, lists, text, numbers, booleans, None
    root: Any  # ruamel.yaml's node of the document
    mistakes: tuple[Mistake, ...] = ()  # found on the way: keys that stand twice, foreign types
    _keys: dict[int, dict[Any, tuple[Any, Any]]] = field(default_factory=dict)  # of seen mappings

    @classmethod
    def read(cls, path: Path) -> Source:
        """Parse a file; raises UsageError with path:line:col if it is not YAML at all."""
        root = compose(path)
        if root is None:
            raise UsageError(f"{path}:1:1: the file is empty; it needs `version` and `backends`")
        builder = Builder()
        try:
            data = builder.build(root)
        except EndlessError:
            raise UsageError(f"{path}:1:1: its aliases (*name) make it endless") from None
        return cls(path, data, root, tuple(builder.mistakes))

    def position(self, place: Place, *, at_key: bool = False) -> tuple[int, int]:
        """Give line and column, from 1, of a value (or its key), or of the nearest thing above."""
        node, mark = self.root, self.root.start_mark
        for depth, part in enumerate(place):
            found = self._of(node, part)
            if found is None:
                break
            key, node = found
            # Of a value that is not there (`local:`), only the key has a place.
            wants_key = (at_key and depth == len(place) - 1) or _empty(node)
            mark = (key if wants_key and key is not None else node).start_mark
        return mark.line + 1, mark.column + 1

    def _of(self, node: Any, part: str | int) -> tuple[Any, Any] | None:  # noqa: ANN401
        """Find the nodes of a key (None in a list) and of its value; of a repeated key the last."""
        if node.id == "mapping":
            if id(node) not in self._keys:  # once for each: asked of every column of a matrix
                self._keys[id(node)] = {pair[0].value: pair for pair in pairs(node)}
            return self._keys[id(node)].get(part)
        if node.id == "sequence" and isinstance(part, int) and part < len(node.value):
            return None, node.value[part]
        return None

    def where(self, place: Place, *, at_key: bool = False) -> str:
        """Give path:line:col."""
        line, column = self.position(place, at_key=at_key)
        return f"{self.path}:{line}:{column}"


def _empty(node: Any) -> bool:  # noqa: ANN401
    return bool(node.id == "scalar" and not node.value and not node.style)
