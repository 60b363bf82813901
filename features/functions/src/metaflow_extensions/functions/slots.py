"""Places for workers, lent to one call at a time."""

from __future__ import annotations

import queue
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeVar

from metaflow_extensions.functions.errors import CallTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Place = TypeVar("Place")


class Deadline:
    """When a call has to be over; never, without a timeout."""

    def __init__(self, timeout: float | None) -> None:
        """Begin now; `timeout` in seconds."""
        self.timeout = timeout
        self._until = None if timeout is None else time.monotonic() + timeout

    @property
    def left(self) -> float | None:
        """Seconds that are left, at least a little; None for ever."""
        return None if self._until is None else max(self._until - time.monotonic(), 1e-3)

    def passed(self) -> CallTimeoutError:
        return CallTimeoutError(f"the call took longer than {self.timeout:g} s")


class Slots(Generic[Place]):
    """A queue of places; who takes one gives it back."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._queue: queue.SimpleQueue[Place] = queue.SimpleQueue()
        for place in places:
            self._queue.put(place)

    @contextmanager
    def one(self, deadline: Deadline) -> Iterator[Place]:
        """Lend a place; CallTimeoutError if none gets free in time."""
        try:
            place = self._queue.get(timeout=deadline.left)
        except queue.Empty:
            text = f"no worker was free within {deadline.timeout:g} s"
            raise CallTimeoutError(text) from None
        try:
            yield place
        finally:
            self._queue.put(place)
