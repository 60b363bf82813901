"""End a run in order when it is told to: flows, backends and records as after Ctrl-C."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_metaflow_backends.errors import ExitCode

if TYPE_CHECKING:
    from types import FrameType

STOPPED = pytest.StashKey[str]()  # the signal that ended the run


def end_in_order(config: pytest.Config) -> None:
    """Let SIGTERM, on which Python ends without a word, end this run as Ctrl-C does.

    A handler that somebody else has set is left alone; a second SIGTERM ends at once.
    """
    ours = threading.current_thread() is threading.main_thread()
    if not ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        name = signal.Signals(number).name
        config.stash[STOPPED] = name
        pytest.exit(f"the run was told to end ({name})", returncode=ExitCode.INTERRUPTED)

    signal.signal(signal.SIGTERM, stop)
    config.add_cleanup(lambda: _restore(stop))


def _restore(handler: object) -> None:
    if signal.getsignal(signal.SIGTERM) is handler:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
