"""The text of matrix.yaml: plain data, and where in the file each part of it stands."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Place = tuple[str | int, ...]  # the way from the top of the document: keys and list indexes


@dataclass(frozen=True)
class Source:
    """A parsed YAML file that remembers positions."""

    path: Path
    data: Any  # plain dicts, lists, text, numbers; dates as ISO text
    tree: Any  # ruamel.yaml's round-trip tree

    @classmethod
    def read(cls, path: Path) -> Source:
        """Parse a file; raises UsageError with path:line:col for anything that is not YAML."""
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError

        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"{path}:1:1: not UTF-8 (byte {error.start})") from error
        except OSError as error:
            raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
        try:
            tree = YAML(typ="rt").load(text)
        except MarkedYAMLError as error:
            raise UsageError(f"{path}:{_mark(error)}: {_said(error)}") from error
        except (YAMLError, ValueError) as error:
            raise UsageError(f"{path}:1:1: not YAML: {' '.join(str(error).split())}") from error
        if tree is None:
            raise UsageError(f"{path}:1:1: the file is empty; it needs `version` and `backends`")
        return cls(path, plain(tree), tree)

    def where(self, place: Sequence[str | int], *, key: bool = False) -> str:
        """Give path:line:col of a value (with `key`: of its key), or of the nearest thing above."""
        line, column = self._position(place, key=key)
        return f"{self.path}:{line + 1}:{column + 1}"

    def _position(self, place: Sequence[str | int], *, key: bool) -> tuple[int, int]:
        node, found = self.tree, (0, 0)
        for depth, part in enumerate(place):
            at_key = key and depth == len(place) - 1
            try:
                found = _of(node, part, at_key=at_key)
                node = node[part]
            except (KeyError, IndexError, TypeError, AttributeError):
                break
        return found


def _of(node: Any, part: str | int, *, at_key: bool) -> tuple[int, int]:  # noqa: ANN401
    if isinstance(part, int) and isinstance(node, list):
        items: Any = node
        return tuple(items.lc.item(part))
    return tuple(node.lc.key(part) if at_key else node.lc.value(part))


def plain(value: Any) -> Any:  # noqa: ANN401 - whatever YAML can hold
    """Strip ruamel.yaml's own types; keys become text, as JSON has no others."""
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return str(value)


def _mark(error: Any) -> str:  # noqa: ANN401
    mark = error.problem_mark or error.context_mark
    return f"{mark.line + 1}:{mark.column + 1}" if mark else "1:1"


def _said(error: Any) -> str:  # noqa: ANN401
    text = str(error.problem or error.context or "not YAML")
    return " ".join(text.splitlines()[0].split())
