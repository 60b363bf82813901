"""Append records to a file so that a kill at any moment loses at most the line being written."""

from __future__ import annotations

import os
from json.encoder import encode_basestring_ascii as quote
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import RecordingError
from pytest_metaflow_backends.records import Record, to_line

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_metaflow_backends.redact import Redactor


class Recorder:
    """One append-only file, one `write` call per line, nothing buffered in this process.

    Raises RecordingError (with the path and the system's reason) if a line cannot be written: what
    is not recorded must not be believed, so the caller ends the run.
    """

    def __init__(self, path: Path, redact: Redactor, flags: int = 0) -> None:
        self.path = path
        self.redact = redact
        self._names: dict[str, str] = {}  # of tests that run now, as they are written
        self._files: dict[str, str] = {}
        flags |= os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, flags, 0o644)
        except OSError as error:
            raise self._failure(error) from error

    @classmethod
    def create(cls, path: Path, redact: Redactor) -> Recorder | None:
        """Open a file that must not be there yet; None if another process was first."""
        try:
            return cls(path, redact, os.O_EXCL)
        except RecordingError as error:
            if isinstance(error.__cause__, FileExistsError):
                return None
            raise

    def write(self, record: Record) -> None:
        """Write a record; every text in it, at any depth, is redacted here."""
        self._append(to_line(record, self.redact))

    def started(self, nodeid: str) -> None:
        """Write a `running` line without building a record: this is done before every test."""
        name = self._names[nodeid] = quote(self.redact.name(nodeid))
        self._append(f'{{"kind": "running", "id": {name}}}\n')

    def passed(self, nodeid: str, seconds: float, file: str, line: int, worker: str) -> None:
        """Write the `result` line of a plain pass outside the matrix: the commonest line of all."""
        name = self._names.pop(nodeid, None) or quote(self.redact.name(nodeid))
        place = self._files.get(file)
        if place is None:
            place = self._files[file] = quote(self.redact(file))
        tail = f', "worker": {quote(worker)}' if worker else ""
        self._append(
            f'{{"kind": "result", "id": {name}, "key": {name}, "outcome": "passed", '
            f'"seconds": {seconds:.6g}, "file": {place}, "line": {line}{tail}}}\n'
        )

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _append(self, line: str) -> None:
        data = line.encode("ascii")
        try:
            written = os.write(self._fd, data)
            while written < len(data):  # a nearly full disk takes a part, then refuses
                data = data[written:]
                written = os.write(self._fd, data)
        except OSError as error:
            raise self._failure(error) from error

    def _failure(self, error: OSError) -> RecordingError:
        reason = error.strerror or str(error)
        return RecordingError(
            f"{self.path}: records cannot be written: {reason}; free the disk or choose another "
            "folder with --metaflow-records, then run again"
        )
