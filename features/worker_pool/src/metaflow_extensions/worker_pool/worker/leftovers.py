"""What an item left in its process: set back where that can be done, and named."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SIGNALS = tuple(
    number for number in signal.valid_signals() if number not in {signal.SIGKILL, signal.SIGSTOP}
)
_CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")


@dataclass
class Leftovers:
    """The process as it was, apart from what Metaflow itself keeps."""

    environment: dict[str, str]
    folder: str
    path: list[str]
    streams: tuple[Any, Any, Any]
    handlers: dict[int, Any]
    threads: frozenset[int]
    children: frozenset[str]
    allowed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def found(cls) -> Leftovers:
        return cls(
            dict(os.environ),
            os.getcwd(),  # noqa: PTH109 - compared after each item
            list(sys.path),
            (sys.stdin, sys.stdout, sys.stderr),
            {number: signal.getsignal(number) for number in SIGNALS},
            frozenset(map(id, threading.enumerate())),
            _children(),
        )

    def allow(self, environment: dict[str, str]) -> None:
        """Expect these variables too, which the scheduler gives to one item."""
        self.allowed = environment

    def cleared(self) -> list[str]:
        """Set back what an item left behind, and name it; threads and processes are only named."""
        found = [self._signals(), self._variables(), self._folder(), self._imports(), self._std()]
        return [text for text in (*found, self._threads(), self._processes()) if text]

    def _signals(self) -> str:
        signal.alarm(0)  # of @timeout, whose item failed
        changed = [
            number
            for number, handler in self.handlers.items()
            if signal.getsignal(number) is not handler
        ]
        for number in changed:
            signal.signal(number, self.handlers[number] or signal.SIG_DFL)
        names = [signal.Signals(n).name for n in changed if n != signal.SIGALRM]
        return f"signal handlers ({', '.join(names)})" if names else ""

    def _variables(self) -> str:
        expected = {**self.environment, **self.allowed}
        now = dict(os.environ)
        if now == self.environment:
            return ""
        os.environ.clear()
        os.environ.update(self.environment)
        changed = [n for n in {*now, *expected} if now.get(n) != expected.get(n)]
        return f"environment ({', '.join(sorted(changed))})" if changed else ""

    def _folder(self) -> str:
        with suppress(OSError):  # the folder was removed
            if os.getcwd() == self.folder:  # noqa: PTH109
                return ""
        os.chdir(self.folder)
        return "current folder"

    def _imports(self) -> str:
        if sys.path == self.path:
            return ""
        sys.path[:] = self.path
        return "sys.path"

    def _std(self) -> str:
        now = (sys.stdin, sys.stdout, sys.stderr)
        if all(one is other for one, other in zip(now, self.streams, strict=True)):
            return ""
        sys.stdin, sys.stdout, sys.stderr = self.streams
        return "sys.stdout or sys.stderr"

    def _threads(self) -> str:
        left = [one for one in threading.enumerate() if id(one) not in self.threads]
        self.threads |= frozenset(map(id, left))
        return f"threads ({', '.join(one.name for one in left)})" if left else ""

    def _processes(self) -> str:
        now = _children()
        left = now - self.children
        self.children = now
        return f"processes ({', '.join(sorted(left))})" if left else ""


def _children() -> frozenset[str]:
    """List the processes that this one has started and that have not ended."""
    try:
        return frozenset(_CHILDREN.read_text().split())
    except OSError:  # a kernel that does not tell
        return frozenset()
