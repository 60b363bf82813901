"""Start real processes for a backend, wait until they answer, and end them with their children."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.identity import Entry, identify, is_running, table
from metaflow_backends.ownership import VARIABLE
from metaflow_backends.protocol import Health, Process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from metaflow_backends.ownership import Ownership

TAIL = 20  # lines of a log that an error shows
TAIL_BYTES = 16_384
KILL_TIMEOUT = 10.0  # seconds until a process that was sent SIGKILL counts as stuck in the kernel
# Started by this process and not yet collected: nobody else can, so they would stay zombies.
_children: set[int] = set()


class _Child(subprocess.Popen[bytes]):
    """A child that may outlive its parent; dropping a Popen of such a one would warn."""

    def __del__(self) -> None:
        """Leave it running."""


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str | None],
    owner: Ownership,
    cwd: Path | None = None,
) -> Process:
    """Start a program in a session of its own; its output is appended to `log`.

    `env` is laid over the caller's environment; a value of None removes a variable. The process
    outlives the caller, inherits no open files, carries the owner's tag, and is written to the
    owner's ledger. Raises BackendError if the program cannot be started.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("ab") as output:
            child = _Child(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(env, owner),
                cwd=cwd,
                start_new_session=True,
            )
    except OSError as error:
        raise BackendError(f"cannot start {argv[0]}: {error.strerror or error}") from error
    _children.add(child.pid)
    # An ended child stays a zombie until we collect it, so its start time can always be read.
    entry = Entry.read(child.pid)
    process = identify(child.pid) or Process(
        pid=child.pid, created=time.time(), ticks=entry.ticks if entry else None
    )
    owner.record(process)
    return process


def finish(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str | None],
    owner: Ownership,
    timeout: float,
) -> None:
    """Run a program to its end as one of the owner's, so that it is found if we are killed.

    Raises BackendError with the end of its log if it fails or takes longer than `timeout` seconds.
    """
    process = spawn(argv, log=log, env=env, owner=owner)
    deadline = time.monotonic() + timeout
    while (code := _exit_code(process.pid)) is None:
        if time.monotonic() > deadline:
            stop(process, grace=1.0)
            raise BackendError(f"{argv[0]} did not end within {timeout:g} s; {tail(log)}")
        time.sleep(0.1)
    if code != 0:
        raise BackendError(f"{argv[0]} ended with {code}; {tail(log)}")


def _exit_code(child: int) -> int | None:
    """Collect a child if it has ended."""
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid == 0:
        return None
    _children.discard(child)
    return os.waitstatus_to_exitcode(status)


def _environment(env: Mapping[str, str | None], owner: Ownership) -> dict[str, str]:
    whole = {**os.environ, **env, VARIABLE: owner.tag}
    return {name: value for name, value in whole.items() if value is not None}


def stop(process: Process, grace: float = 5.0) -> bool:
    """End a process and everything in its session: SIGTERM, then SIGKILL after `grace` seconds.

    Returns whether it was still running; a later process with the same pid is left alone. Raises
    BackendError if something survives SIGKILL.
    """
    if not is_running(process):
        _collect(process.pid)
        return False
    end_all(family(process), grace, again=lambda: _session(process.pid))
    return True


def end_all(
    processes: Iterable[Process],
    grace: float,
    again: Callable[[], Iterable[Process]] = tuple,
) -> None:
    """End processes: SIGTERM, wait up to `grace` seconds, then SIGKILL until none is left.

    `again` finds those that were started meanwhile. Raises BackendError if one survives.
    """
    alive = _signal(processes, signal.SIGTERM)
    _wait(alive, grace)
    deadline = time.monotonic() + KILL_TIMEOUT
    while alive := [p for p in {*alive, *again()} if is_running(p)]:
        if time.monotonic() > deadline:
            pids = ", ".join(str(p.pid) for p in alive)
            raise BackendError(f"processes {pids} survive SIGKILL; look at them with `ps -l`")
        _wait(_signal(alive, signal.SIGKILL), 1.0)


def family(process: Process) -> tuple[Process, ...]:
    """List a running process, its descendants, and all others in the session it leads."""
    entries = table()
    found = {process.pid} | {e.pid for e in entries.values() if e.session == process.pid}
    size = 0
    while len(found) > size:
        size = len(found)
        found |= {entry.pid for entry in entries.values() if entry.parent in found}
    return tuple(_process(entries[pid]) for pid in found if pid in entries and pid != os.getpid())


def wait_healthy(
    check: Callable[[], Health],
    timeout: float,
    log: Path,
    process: Process | None = None,
) -> None:
    """Ask until the backend answers.

    Raises BackendError with the last lines of the log after `timeout` seconds, or at once if
    `process` has ended.
    """
    deadline = time.monotonic() + timeout
    pause = 0.02
    while not (health := check()).alive:
        if process is not None and not is_running(process):
            _collect(process.pid)
            raise BackendError(f"ended before it answered; {tail(log)}")
        if time.monotonic() + pause > deadline:
            raise BackendError(f"no answer within {timeout:g} s: {health.reason}; {tail(log)}")
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def tail(log: Path, lines: int = TAIL) -> str:
    """Say where the log is and quote its last lines."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - TAIL_BYTES))
            last = stream.read().decode("utf-8", "replace").splitlines()[-lines:]
    except OSError:
        last = []
    if not last:
        return f"its log is empty ({log})"
    return f"the last lines of {log}:\n" + "\n".join(last)


def _session(session: int) -> tuple[Process, ...]:
    """List a session's members; its number is not given away while it has any."""
    return tuple(_process(entry) for entry in table().values() if entry.session == session)


def _process(entry: Entry) -> Process:
    return Process(pid=entry.pid, created=0.0, ticks=entry.ticks)


def _signal(processes: Iterable[Process], number: signal.Signals) -> list[Process]:
    """Signal those that still run and return them."""
    return [process for process in processes if _signal_one(process, number)]


def _signal_one(process: Process, number: signal.Signals) -> bool:
    """Signal through a pidfd, so that no other process can slip in after the check."""
    with suppress(ProcessLookupError):
        handle = os.pidfd_open(process.pid)
        try:
            if is_running(process):
                signal.pidfd_send_signal(handle, number)
                return True
        finally:
            os.close(handle)
    return False


def _wait(processes: Sequence[Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    pause = 0.002
    while any(is_running(p) for p in processes) and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 2, 0.1)
    for process in processes:
        _collect(process.pid)


def _collect(pid: int) -> None:
    """Take the exit status of a child that has ended, so that no zombie stays."""
    if pid not in _children:
        return
    with suppress(ChildProcessError):
        if os.waitpid(pid, os.WNOHANG) == (0, 0):
            return
    _children.discard(pid)
