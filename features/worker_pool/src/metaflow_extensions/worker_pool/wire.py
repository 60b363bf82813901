"""What the scheduler and a worker say to each other: JSON, a line each, with open files beside."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

START = "METAFLOW_WORKER_POOL_WORKER"  # environment variable: what a process becomes a worker by
CHUNK = 1 << 16


def stamp() -> int:
    """Give the milliseconds by which Metaflow names files of metadata."""
    return round(time.time() * 1000)


class Channel:
    """One end of a socket pair; the other end being gone is the end of all words."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._rest = b""
        self._files: list[int] = []

    def send(self, message: Mapping[str, Any], files: Sequence[int] = ()) -> None:
        """Say something, with copies of open files.

        Raises OSError if the other end is gone.
        """
        data = json.dumps(message, separators=(",", ":")).encode() + b"\n"
        sent = socket.send_fds(self.socket, [data], files) if files else 0
        if sent < len(data):
            self.socket.sendall(data[sent:])

    def receive(self) -> tuple[Any, list[int]]:
        """Wait for a message and its files; None where the other end is gone."""
        while b"\n" not in self._rest:
            try:
                data, files, _, _ = socket.recv_fds(self.socket, CHUNK, 2, socket.MSG_CMSG_CLOEXEC)
            except ConnectionResetError:
                return None, []
            if not data:
                return None, []
            self._rest += data
            self._files += files
        line, _, self._rest = self._rest.partition(b"\n")
        files, self._files = self._files, []
        return json.loads(line), files

    @property
    def holds_more(self) -> bool:
        """Tell if a message has come already with an earlier one."""
        return b"\n" in self._rest

    def close(self) -> None:
        self.socket.close()
