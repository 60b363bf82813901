"""What a task wrote, kept as Metaflow stores it, for tasks that cannot store it themselves."""

from __future__ import annotations

import shutil
import tempfile
from typing import IO, TYPE_CHECKING, Any

from metaflow.mflog import TASK_LOG_SOURCE
from metaflow.mflog.mflog import decorate

if TYPE_CHECKING:
    from pathlib import Path

STREAMS = ("stdout", "stderr")
IN_MEMORY = 1 << 20  # bytes


class Spool:
    """Lines of both streams, in files once they are many."""

    def __init__(self) -> None:
        self._files: dict[str, IO[bytes]] = {
            stream: tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - open as long as the task
            for stream in STREAMS
        }
        self.lines = dict.fromkeys(STREAMS, 0)

    def add(self, stream: str, line: bytes) -> bytes:
        """Keep a line; give it as Metaflow marks it."""
        marked: bytes = decorate(TASK_LOG_SOURCE, line)
        self._files[stream].write(marked + b"\n")
        self.lines[stream] += 1
        return marked

    def close(self) -> None:
        for file in self._files.values():
            file.close()

    def save(self, stored: Any, datastore: Any, folder: Path) -> None:
        """Store what Metaflow's own upload did not: what is there is shorter, or nothing.

        A task that is killed, or that ends before Metaflow begins, uploads no last logs. `stored`
        is its part of the datastore to read, `datastore` the same to write (Metaflow's
        TaskDataStore); `folder` is an empty folder for files.
        """
        paths = {}
        for stream in STREAMS:
            if self.lines[stream] > _stored(stored, stream):
                paths[stream] = folder / stream
                self._files[stream].seek(0)
                with paths[stream].open("wb") as file:
                    shutil.copyfileobj(self._files[stream], file)
        if paths:
            datastore.save_logs(TASK_LOG_SOURCE, paths)


def _stored(datastore: Any, stream: str) -> int:
    """Count the lines as Metaflow ends them; a carriage return is within a line."""
    found = datastore.load_logs([TASK_LOG_SOURCE], stream)
    return sum(blob.count(b"\n") for _, blob in found if blob)
