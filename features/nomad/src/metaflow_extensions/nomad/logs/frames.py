"""The frames in which Nomad streams a task's logs.

Source: Nomad HTTP API, v1/client/fs/logs, without `plain`: with it, an error is written among the
data. `Offset` is not read: after partial reads it is wrong.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST = 1 << 20  # bytes of a frame; Nomad sends 64 KiB of data at most


@dataclass(frozen=True)
class Frame:
    """Some bytes of one log file; none in a heartbeat."""

    file: str = ""  # e.g. step.stdout.0
    data: bytes = b""

    @property
    def number(self) -> int:
        """Give the file's place in the rotation, from 0."""
        return int(self.file.rpartition(".")[2])


def frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Decode concatenated JSON objects, cut anywhere; raises ValueError for what is none.

    No value of a frame can hold a brace, so that each ends at the next one.
    """
    kept = b""
    for chunk in chunks:
        *whole, kept = (kept + chunk).split(b"}")
        for text in whole:
            yield _frame(text + b"}")
        if len(kept) > LONGEST:
            raise ValueError(f"a frame of more than {LONGEST} bytes")


def _frame(text: bytes) -> Frame:
    body = json.loads(text)
    data = body.get("Data")
    if not data:
        return Frame()
    return Frame(body["File"].rpartition("/")[2], base64.b64decode(data))
