"""Fit text into a number of bytes without cutting a character or a block in half.

GitHub counts bytes of UTF-8 where its documentation says characters: 65,535 for the summary of a
check run, 1 MiB for a step summary.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CHECK_RUN = 65_535  # bytes of a check run's summary, and of its text
STEP_SUMMARY = 1_048_576  # bytes of a step summary


def size(text: str) -> int:
    """Count the bytes of the text in UTF-8; lone surrogates count as what they are replaced by."""
    return len(text) if text.isascii() else len(encoded(text))


def encoded(text: str) -> bytes:
    """Encode as UTF-8, lone surrogates replaced by `?`."""
    return text.encode("utf-8", "replace")


def cut_utf8(text: str, limit: int) -> str:
    """Give the longest beginning of the text that has at most `limit` bytes, whole characters."""
    if limit <= 0:
        return ""
    raw = encoded(text[:limit])  # no character has less than one byte
    return raw.decode("utf-8") if len(raw) <= limit else raw[:limit].decode("utf-8", "ignore")


def fit(blocks: Iterable[str], budget: int) -> list[str]:
    """Take blocks from the front while they fit together into `budget` bytes.

    A block is taken whole or not at all; the first that does not fit ends it, so that order is
    kept. Blocks after that one are never computed.
    """
    taken: list[str] = []
    for block in blocks:
        budget -= size(block)
        if budget < 0:
            break
        taken.append(block)
    return taken


def first_that_fits(candidates: Iterable[str], budget: int) -> str:
    """Give the first candidate within `budget` bytes, else the last one cut to it.

    The last candidate must be text that survives a cut anywhere: no fences, no tags.
    """
    last = ""
    for last in candidates:
        if size(last) <= budget:
            return last
    return cut_utf8(last, budget)
