"""The last lines of something long, in bounded memory."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LINE_BYTES = 2_000  # a longer line is cut in the middle
BLOCK = 400  # bytes read per line that is wanted, at most; lines beyond that are not looked for


def tail(lines: Iterable[bytes], count: int) -> str:
    """Give the last `count` lines as text; bytes that are not UTF-8 become U+FFFD."""
    last = deque(lines, maxlen=count)
    return "\n".join(_cut(line.rstrip(b"\r\n")).decode("utf-8", "replace") for line in last)


def tail_of_file(path: Path, count: int) -> str:
    """Give the last `count` lines of a file; empty if there is none. Reads only the file's end."""
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        start = max(0, size - count * BLOCK)
        stream.seek(start)
        lines = stream.read().splitlines()
    if start and len(lines) == 1:
        return tail([b"..." + lines[0]], count)  # it is cut: the ellipsis says so to redaction
    return tail(lines[1:] if start else lines, count)


def _cut(line: bytes) -> bytes:
    if len(line) <= LINE_BYTES:
        return line
    half = LINE_BYTES // 2
    return line[:half] + b"... [...] ..." + line[-half:]
