"""Tell processes apart for good: a pid alone is used again, and the clock can be set."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from metaflow_backends.protocol import Process

PROC = Path("/proc")
# Used only where the ticks are unknown, i.e. for a Process that somebody else made.
CREATED_TOLERANCE = 1.0  # seconds
ENDED = frozenset({b"Z", b"X"})


@dataclass(frozen=True)
class Entry:
    """One line of the process table. Source: proc_pid_stat(5)."""

    pid: int
    parent: int
    session: int
    ticks: int  # clock ticks from boot to the start of the process
    ended: bool  # a zombie of which no thread is left: one that is left still holds its ports

    @classmethod
    def read(cls, pid: int) -> Entry | None:
        """Look one process up; None if there is none."""
        try:
            text = (PROC / str(pid) / "stat").read_bytes()
        except OSError:
            return None
        # The name in parentheses may itself hold blanks and parentheses.
        fields = text[text.rindex(b")") + 2 :].split()
        return cls(
            pid=pid,
            parent=int(fields[1]),
            session=int(fields[3]),
            ticks=int(fields[19]),
            ended=fields[0] in ENDED and not _threads_live(pid),
        )


def _threads_live(pid: int) -> bool:
    """Tell if a process whose first thread has ended has others that have not."""
    try:
        threads = list((PROC / str(pid) / "task").iterdir())
    except OSError:  # it has gone while we looked
        return False
    return any(_thread_state(thread / "stat") not in ENDED for thread in threads)


def _thread_state(path: Path) -> bytes:
    try:
        text = path.read_bytes()
    except OSError:
        return b"X"
    return text[text.rindex(b")") + 2 :].split()[0]


def pids() -> tuple[int, ...]:
    """List the ids of all processes of this machine."""
    return tuple(int(path.name) for path in PROC.iterdir() if path.name.isdigit())


def table() -> dict[int, Entry]:
    """Read the whole process table; processes that end meanwhile are left out."""
    entries = (Entry.read(pid) for pid in pids())
    return {entry.pid: entry for entry in entries if entry is not None and not entry.ended}


@cache
def boot_id() -> str:
    """Name this boot of the machine: no process of another boot can still be alive."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def identify(pid: int) -> Process | None:
    """Describe a live process so that it can be recognised later; None if there is none."""
    entry = Entry.read(pid)
    if entry is None or entry.ended:
        return None
    with suppress(psutil.NoSuchProcess):
        return Process(pid=pid, created=psutil.Process(pid).create_time(), ticks=entry.ticks)
    return None


def this_process() -> Process:
    """Describe the calling process."""
    process = identify(os.getpid())
    if process is None:
        raise RuntimeError(f"{PROC} does not show this process; is it mounted?")
    return process


def is_running(process: Process) -> bool:
    """Tell whether this very process runs, and not a later one with its pid."""
    entry = Entry.read(process.pid)
    if entry is None or entry.ended:
        return False
    if process.ticks is not None:
        return entry.ticks == process.ticks
    now = identify(process.pid)
    return now is not None and abs(now.created - process.created) <= CREATED_TOLERANCE
