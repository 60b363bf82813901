"""One thing that is wrong with a matrix, and the place it has in the document."""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,40}")
Place = tuple[str | int, ...]  # the way from the top of the document: keys and list indexes


@dataclass(frozen=True)
class Mistake:
    """What is wrong, at a value or at its key."""

    place: Place
    text: str
    at_key: bool = False


def shown(value: object, limit: int = 60) -> str:
    """Show a value in a message: as YAML writes it, on one line, never a whole structure."""
    if isinstance(value, (list, dict)):
        return ("a list" if isinstance(value, list) else "a mapping") if value else "an empty value"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def dotted(place: Place) -> str:
    """Name the last part of a place that has a name: `timeout`, `required[0]`."""
    name = ""
    for part in place:
        name = f"{name}[{part}]" if isinstance(part, int) else _bare(part)
    return name or "the document"


def _bare(key: str) -> str:
    """Leave an ordinary word as it is; quote and cut what would break a line."""
    return key if _WORD.fullmatch(key) else shown(key)
