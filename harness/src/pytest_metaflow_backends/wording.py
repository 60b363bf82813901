"""Say numbers as a person would."""

from __future__ import annotations


def counted(count: int, word: str) -> str:
    """Give `1 test`, `2 tests`."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
