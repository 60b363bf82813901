"""A task whose launcher is gone ends by itself.

The launcher writes a new word now and then; a task that has seen no new one for its limit, though
it could read, has nobody left who waits for it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaflow_extensions.nomad.task.objects import Objects

PER_LIMIT = 6  # words of a launcher, and looks of its task, within the limit
FIRST = 1.0  # seconds until the first word
LAST = 5.0  # seconds from SIGTERM to SIGKILL


def path(pathspec: str, attempt: str | int) -> str:
    """Name the launcher's words beside the files that Metaflow keeps of the attempt."""
    return f"{pathspec}/{attempt}.nomad_launcher"


@dataclass
class Watch:
    """Says when the limit has passed without a new word."""

    limit: float  # seconds
    seen: bytes | None = None
    since: float | None = None

    def orphaned(self, word: bytes | None, now: float) -> bool:
        if word is None:
            return False  # nothing was ever said, at least not where this task looks
        if self.since is None or word != self.seen:
            self.seen, self.since = word, now
        return now - self.since > self.limit


class Launcher(threading.Thread):
    """Tells the task that somebody waits, until it is stopped.

    The store is opened in the thread: a client of it takes half a second to load, for which no
    task shall wait.
    """

    def __init__(self, store: Callable[[], Objects], place: str, limit: float) -> None:
        super().__init__(daemon=True, name="nomad-launcher")
        self._store, self._place, self._every = store, place, limit / PER_LIMIT
        self._done = threading.Event()

    def run(self) -> None:
        """Say a word in every part of the limit, the first one soon."""
        wait = min(FIRST, self._every)
        while not self._done.wait(wait):
            wait = self._every
            try:
                word = f"{os.getpid()} {time.time_ns()}".encode()
                self._store().write(self._place, word)
            except Exception as error:  # noqa: BLE001 - the next word may arrive
                sys.stderr.write(f"[nomad] the task was not told of us: {error}\n")

    def stop(self) -> None:
        self._done.set()


def guard(objects: Objects, place: str, limit: float, end: Callable[[], None]) -> threading.Thread:
    """Watch for the launcher in a thread; `end` is called when it is gone."""

    def watch() -> None:
        launcher = Watch(limit)
        while True:
            time.sleep(limit / PER_LIMIT)
            try:
                word = objects.read(place)
            except Exception:  # noqa: BLE001, S112 - what cannot be read says nothing
                continue
            if launcher.orphaned(word, time.monotonic()):
                end()
                return

    thread = threading.Thread(target=watch, daemon=True, name="nomad-orphan")
    thread.start()
    return thread


def end_task() -> None:
    """End this process: its launcher has not been heard of for too long."""
    sys.stderr.write("[nomad] nobody waits for this task any more; it ends\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(LAST)
    os.kill(os.getpid(), signal.SIGKILL)
