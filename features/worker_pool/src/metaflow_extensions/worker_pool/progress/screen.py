"""Where progress is shown: one line that changes on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

LIVE, PLAIN = 0.2, 10.0  # seconds between two of them
CLEAR = "\r\x1b[K"
# What Metaflow says of every task and a terminal's line says of all of them.
ROUTINE = ("Task is starting", "Task finished successfully.")


class Screen:
    """Shows lines no more often than `every` seconds."""

    def __init__(self, log: Callable[[str], None], every: float, *, live: bool) -> None:
        self._log, self._every, self._live = log, every, live
        self._next = time.monotonic() + (0.0 if live else every)

    @classmethod
    def here(cls, log: Callable[[str], None], every: float | None) -> Screen:
        """Look at what standard output is; `every` 0 shows nothing."""
        live = sys.stdout.isatty()
        if every is None:
            every = LIVE if live else PLAIN
        return cls(log, every or float("inf"), live=live and every > 0)

    def show(self, line: Callable[[float], str], *, last: bool = False) -> None:
        """Show what `line` gives, if it is time; the last one always, if any was shown."""
        now = time.monotonic()
        if not last and now < self._next:
            return
        if self._live:
            self._write(f"{CLEAR}{line(now)}" + ("\n" if last else "\r"))
        elif not last:
            self._log(line(now))
        self._next = now + self._every

    def quieter(self, task: Any) -> None:
        """Leave routine lines of a task to the live line, and keep others off it."""
        if not self._live:
            return
        stock = task.log

        def log(message: str, *arguments: Any, **options: Any) -> None:
            if options.get("system_msg") and message.startswith(ROUTINE):
                return
            self._write(CLEAR)
            stock(message, *arguments, **options)

        task.log = log

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
