"""Did you mean: the nearest known name for a mistyped one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LISTED = 12  # names that are listed when none is near
LONGEST = 64  # characters; a longer word is no mistyped name, and comparing it takes long


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Find the known name that looks most like `word`; None if none does."""
    if len(word) > LONGEST:
        return None
    lowered = {name.lower(): name for name in sorted(known, reverse=True)}
    found = difflib.get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    return lowered[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """End a message about an unknown name: the nearest one, else the known ones if they are few."""
    names = sorted(known)
    if near := nearest(word, names):
        return f"; did you mean {near!r}?"
    return f"; known are: {', '.join(names)}" if 0 < len(names) <= LISTED else ""
