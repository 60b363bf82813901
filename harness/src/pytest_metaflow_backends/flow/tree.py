"""End processes together with everything that descends from them."""

from __future__ import annotations

import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

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


def signal_below(pid: int, number: signal.Signals) -> None:
    """Send a signal to all below `pid`."""
    import psutil

    for process in descendants(pid):
        with suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile: what was wanted
            process.send_signal(number)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, not longer than that; tell whether it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL)
    return True


def stop_below(pid: int, grace: float) -> None:
    """Terminate all below `pid`; after so many seconds kill, until none is left.

    The list is made anew each time, since a dying process may leave orphans; these are found if
    `pid` is a subreaper.
    """
    signal_below(pid, signal.SIGTERM)
    wait_until(lambda: not descendants(pid), grace)
    while descendants(pid):
        signal_below(pid, signal.SIGKILL)
        time.sleep(POLL)
