"""What Metaflow's scheduler reads a task's output from."""

from __future__ import annotations

import io
import os


class Stream:
    """The reading end of a pipe, and lines that are added at its end."""

    def __init__(self, descriptor: int) -> None:
        self._file = os.fdopen(descriptor, "rb")
        self._more = io.BytesIO()

    def fileno(self) -> int:
        return self._file.fileno()

    def readline(self) -> bytes:
        """Give a line; none once there is no more for now."""
        return self._file.readline() or self._more.readline()

    def add(self, text: bytes) -> None:
        place = self._more.tell()
        self._more.seek(0, io.SEEK_END)
        self._more.write(text)
        self._more.seek(place)
