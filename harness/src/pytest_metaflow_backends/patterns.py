"""Patterns over paths: `*` is one part or some letters of it, `**` any number of parts."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def reached(parts: Sequence[str], pattern: Sequence[str]) -> set[int]:
    """Give how many of the parts a pattern may have eaten when it is used up; none if it fails.

    All places are kept at once, so that many `**` cost no more than one each: patterns may come
    with a commit that nobody has read.
    """
    at = {0}
    for piece in pattern:
        if piece == "**":
            at = set(range(min(at), len(parts) + 1))
        else:
            at = {n + 1 for n in at if n < len(parts) and fnmatchcase(parts[n], piece)}
        if not at:
            break
    return at
