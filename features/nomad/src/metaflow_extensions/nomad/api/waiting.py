"""What a person is told of a server that does not answer, whoever in this process waits for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Waiting:
    """Tells once, with the reason, that requests wait, and once, with "", that none does now."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.tell = tell
        self._requests = 0
        self._lock = threading.Lock()

    def begin(self, reason: str) -> None:
        """Count a request that waits."""
        with self._lock:
            self._requests += 1
            if self._requests == 1:
                self.tell(reason)

    def end(self, *, answered: bool) -> None:
        """Take one away; nothing is told of one that was given up."""
        with self._lock:
            self._requests -= 1
            if not self._requests and answered:
                self.tell("")
