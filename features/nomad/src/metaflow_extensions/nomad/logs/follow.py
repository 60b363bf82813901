"""Both streams of a task, live: read on over rotation, a lost connection and a restarted agent."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import requests
from metaflow_extensions.nomad.errors import MissingError, NomadError
from metaflow_extensions.nomad.logs.cursor import Cursor, Reader
from metaflow_extensions.nomad.logs.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from metaflow_extensions.nomad.api.client import Client
    from metaflow_extensions.nomad.logs.frames import Frame

AGAIN = 0.2  # seconds before a connection that ended is made again
MISSING = b"[nomad] some output is missing here: Nomad dropped it before it could be read"
BROKEN = (requests.RequestException, OSError, ValueError)


class Follower:
    """Follows one stream in a thread of its own; `show` gets each line once, in order."""

    def __init__(
        self, client: Client, allocation: str, task: str, stream: str, show: Callable[[bytes], None]
    ) -> None:
        self._client = client
        self._where = (allocation, task, stream)
        self._show = show
        self._cursor = Cursor()
        self._lines = Lines()
        self._lock = threading.Lock()
        self._over = False
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"nomad-{stream}")

    def start(self) -> None:
        """Follow from now on; asked again, nothing changes."""
        if self._thread.ident is None:
            self._thread.start()

    def read(self) -> None:
        """Show what there is by now, once, without a connection that stays."""
        with self._lock:
            offset = self._cursor.offset
        try:
            self._take_all(self._client.rest(*self._where, offset=offset), offset)
        except MissingError:
            pass  # not started yet, or collected
        except (*BROKEN, NomadError) as error:
            self._say(f"[nomad] output cannot be read: {error}")

    def finish(self) -> None:
        """Read what is left of a task that has ended; nothing is shown after this."""
        self.read()
        self.close()

    def close(self) -> None:
        """Show what was read, and nothing after this."""
        with self._lock:
            self._over = True
            for line in self._lines.end():
                self._show(line)

    def _run(self) -> None:
        while not self._over:
            try:
                self._take_all(self._client.follow(*self._where), 0)
            except MissingError:
                pass  # not started yet, or collected: the launcher knows which
            except BROKEN:
                pass
            except NomadError as error:
                self._say(f"[nomad] logs cannot be followed: {error}")
                return
            time.sleep(AGAIN)

    def _say(self, text: str) -> None:
        with self._lock:
            self._show(text.encode())

    def _take_all(self, found: Iterator[Frame], offset: int) -> None:
        reader = Reader.starting(self._cursor, offset)
        for frame in found:
            with self._lock:
                if self._over:
                    return
                if frame.data:
                    self._take(reader, frame)

    def _take(self, reader: Reader, frame: Frame) -> None:
        new = reader.take(frame)
        if reader.missed:
            for line in (*self._lines.end(), MISSING):
                self._show(line)
        for line in self._lines.add(new):
            self._show(line)
