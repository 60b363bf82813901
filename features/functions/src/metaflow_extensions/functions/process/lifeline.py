"""Ends a process group with the process that holds the other end of a pipe.

The caller keeps the writing end and never writes. The kernel closes it however the caller ends, and
then signals the owner of the reading end, here a whole group, with a signal that nobody can ignore
(fcntl(2): O_ASYNC, F_SETOWN, F_SETSIG). No thread watches, so code that holds the interpreter lock
cannot delay it, and processes that the function starts end as well.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal

SETSIG = getattr(fcntl, "F_SETSIG", 10)  # Linux; Python names it from 3.13 on


def arm(reading: int) -> None:
    """Tie this process's group to the pipe; it ends at once if the caller is gone already."""
    fcntl.fcntl(reading, fcntl.F_SETOWN, -os.getpgrp())
    fcntl.fcntl(reading, SETSIG, signal.SIGKILL)
    flags = fcntl.fcntl(reading, fcntl.F_GETFL)
    fcntl.fcntl(reading, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    ready, _, _ = select.select([reading], [], [], 0)
    if ready:
        os.killpg(0, signal.SIGKILL)
