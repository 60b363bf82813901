"""pytest as a child of `mf-backends run`: told to end when we are, and when we have died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

# Of this package nothing is imported: pytest rewrites the assertions of plugins, which must be new.
_START = """
import ctypes, os, signal, sys
parent = int(sys.argv.pop(1))
if sys.platform.startswith("linux"):
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
if os.getppid() != parent:
    sys.exit(128 + signal.SIGTERM)
sys.argv[0] = "pytest"
import pytest
sys.exit(pytest.main())
"""
RELAYED = (signal.SIGINT, signal.SIGTERM)


class Pytest:
    """Runs one pytest after the other, until a signal says that it is enough."""

    def __init__(self) -> None:
        self.stopped = False

    def run(self, argv: Sequence[str], root: Path) -> int:
        """Run pytest to its end and give its exit code.

        A first SIGINT or SIGTERM is handed on, so that it ends in order; a second one kills it.
        """
        child = subprocess.Popen(
            [sys.executable, "-c", _START, str(os.getpid()), *argv],
            cwd=root,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        with self._relaying(child):
            code = child.wait()
        # A run that was killed has no exit code of its own; its records say what happened.
        return code if code >= 0 else ExitCode.RED

    @contextmanager
    def _relaying(self, child: subprocess.Popen[bytes]) -> Iterator[None]:
        def relay(number: int, _frame: FrameType | None) -> None:
            if self.stopped:
                child.kill()
            elif number != signal.SIGINT or not sys.stdin.isatty():
                child.send_signal(number)  # Ctrl-C at a terminal has reached it already
            self.stopped = True

        before = {number: signal.signal(number, relay) for number in RELAYED}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
