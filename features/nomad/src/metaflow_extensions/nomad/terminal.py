"""What a launcher prints: lines of the task as Metaflow marks them, and what it says itself."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from metaflow.mflog.mflog import refine

if TYPE_CHECKING:
    from metaflow_extensions.nomad.logs.spool import Spool


class Terminal:
    """Prints to this process's streams; a line is kept in the spool too."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._lock = threading.Lock()

    def say(self, text: str, allocation: str = "") -> None:
        prefix = f"[{allocation}] " if allocation else ""
        self._print("stderr", f"{prefix}{text}".encode())

    def waiting(self, reason: str) -> None:
        self.say(f"Nomad does not answer ({reason}); waiting" if reason else "Nomad answers again")

    def line(self, stream: str, line: bytes, allocation: str) -> None:
        """Show a line; marked, so that Metaflow does not store it a second time."""
        with self._lock:
            marked = self._spool.add(stream, line)
        self._print(stream, refine(marked, prefix=f"[{allocation}] "))

    def _print(self, stream: str, line: bytes) -> None:
        out = (sys.stdout if stream == "stdout" else sys.stderr).buffer
        with self._lock:
            out.write(line + b"\n")
            out.flush()
