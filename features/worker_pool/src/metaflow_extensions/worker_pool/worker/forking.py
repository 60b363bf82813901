"""Forks in a worker: how one begins that runs an item, and how one ends."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import threading
from contextlib import suppress

from metaflow_extensions.worker_pool.worker import ending

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def threads() -> list[str]:
    """Name the threads that a fork would not have, and whose locks it might wait for."""
    return [one.name for one in threading.enumerate() if one is not threading.main_thread()]


def begin(parent: int) -> None:
    """Tie a fork to the worker, which is killed in its place."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def leave(code: int) -> None:
    """End a fork as an interpreter ends, without taking apart what it shares with the worker."""
    with suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - waits for threads
    with suppress(Exception):
        atexit._run_exitfuncs()  # noqa: SLF001 - as the interpreter does
    for stream in (sys.stdout, sys.stderr):
        ending.flush(stream)
    os._exit(code)
