"""One event loop in a thread of its own, for functions that are `async def`."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Looping:
    """Runs coroutines of any thread in one loop, so that what they keep open lives on.

    The thread is started at the first coroutine, and again in a fork, which has no threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = 0

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Give what the coroutine returns; raises what it raises."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running()).result()

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None or self._process != os.getpid():
                self._loop, self._process = asyncio.new_event_loop(), os.getpid()
                run = self._loop.run_forever
                threading.Thread(target=run, daemon=True, name="function-loop").start()
            return self._loop
