"""End processes together with everything that descends from them."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psutil

POLL = 0.02  # seconds


def descendants(pid: int) -> list[psutil.Process]:
    """List the living processes below `pid`, whatever group or session they moved to."""
    import psutil

    try:
        below = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [process for process in below if _alive(process)]


def _alive(process: psutil.Process) -> bool:
    import psutil

    try:
        return process.status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


def _send(processes: list[psutil.Process], number: int) -> None:
    import psutil

    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile: what was wanted
            process.send_signal(number)


def stop_below(pid: int, stages: tuple[tuple[signal.Signals, float], ...]) -> None:
    """Send each stage's signal to all below `pid`, wait its seconds; then kill until none is left.

    The list is made anew each time, since a dying process may leave orphans; these are found if
    `pid` is a subreaper.
    """
    for number, seconds in stages:
        _send(descendants(pid), number)
        if _gone(pid, seconds):
            return
    while left := descendants(pid):
        _send(left, signal.SIGKILL)
        time.sleep(POLL)


def _gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while descendants(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True
