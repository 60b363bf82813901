"""Mark what a start of a backend sets going, so that it is found even if nobody noted it."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from metaflow_backends.identity import PROC, Entry, boot_id, pids
from metaflow_backends.protocol import Process

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "METAFLOW_BACKENDS_OWNER"
LEDGER = "processes.jsonl"


@dataclass(frozen=True)
class Ownership:
    """One start of a backend: the tag its processes carry, and the file that lists them.

    The tag follows from the home folder, which every start has for itself.
    """

    tag: str
    ledger: Path

    @classmethod
    def of(cls, home: Path) -> Ownership:
        """Give the ownership of everything that is started for this home folder."""
        digest = hashlib.sha256(os.fsencode(home.resolve())).hexdigest()
        return cls(tag=digest[:20], ledger=home / LEDGER)

    def record(self, process: Process) -> None:
        """Append a started process; one write, so that kill -9 tears no line of another one."""
        line = json.dumps({**asdict(process), "boot": boot_id()}) + "\n"
        target = os.open(self.ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(target, line.encode())
        finally:
            os.close(target)

    def recorded(self) -> tuple[Process, ...]:
        """List the processes written down so far, since the machine was started.

        Lines torn by a full disk are passed over: their processes still carry the tag.
        """
        try:
            lines = self.ledger.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ()
        return tuple(process for line in lines if (process := _decode(line)) is not None)

    def tagged(self) -> tuple[Process, ...]:
        """Find all live processes that carry the tag, children of children included."""
        return tagged(f"{VARIABLE}={self.tag}")


def _decode(line: str) -> Process | None:
    try:
        data = json.loads(line)
        return Process(**data) if data.pop("boot") == boot_id() else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def tagged(assignment: str) -> tuple[Process, ...]:
    """Find live processes by a variable of their environment; never the calling one.

    Processes of other users cannot be read and are passed over: we could not have started them.
    """
    wanted = assignment.encode()
    found = (pid for pid in pids() if pid != os.getpid() and wanted in _environment(pid))
    entries = (Entry.read(pid) for pid in found)
    return tuple(
        Process(pid=entry.pid, created=0.0, ticks=entry.ticks)
        for entry in entries
        if entry is not None and not entry.ended
    )


def _environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
