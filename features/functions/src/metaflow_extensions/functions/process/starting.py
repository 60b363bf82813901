"""Starts the zygote of a function, asks it for workers, and takes it down."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from metaflow_extensions.functions.errors import WorkerDiedError
from metaflow_extensions.functions.failure import Failure
from metaflow_extensions.functions.process.wire import FAILED, FORK, HOW, SERVE, receive

if TYPE_CHECKING:
    from metaflow_extensions.functions.plan import Plan
    from metaflow_extensions.functions.recreating import Interpreter

# The working folder is not on the path of a worker: what is not captured must be missed at bind.
PROGRAM = (
    "import sys; sys.path[:] = [p for p in sys.path if p]; "
    "from metaflow_extensions.functions.process.zygote import main; "
    "main({control}, {reading}, {plan!r}, {largest})"
)
PATIENCE = 5.0  # seconds that a closed zygote has to end by itself
_HELD: weakref.WeakSet[Zygote] = weakref.WeakSet()


class Zygote:
    """A process that has loaded a function."""

    def __init__(self, plan: Plan, interpreter: Interpreter, largest: int) -> None:
        """Start it; returns before it has loaded. `largest`: the most bytes of an answer."""
        self._lock = threading.Lock()
        self._control, control = socket.socketpair()
        reading, self._writing = os.pipe()
        self._plan = _file_with(plan.write())
        program = PROGRAM.format(
            control=control.fileno(), reading=reading, plan=self._plan, largest=largest
        )
        try:
            self._process = subprocess.Popen(
                [interpreter.python, "-c", program],
                pass_fds=[control.fileno(), reading],
                env={**os.environ, **interpreter.variables},
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            control.close()
            os.close(reading)
        self._ready = False
        _HELD.add(self)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def worker(self, *, fork: bool) -> tuple[socket.socket, int]:
        """Give the stream and the process id of a new worker; raises what loading raised."""
        ours, theirs = socket.socketpair()
        with self._lock, theirs:
            try:
                self._wait_until_loaded()
                socket.send_fds(
                    self._control, [bytes([FORK if fork else SERVE])], [theirs.fileno()]
                )
                _, pid = receive(self._control)
            except (OSError, EOFError):
                ours.close()
                raise WorkerDiedError(f"the process of the function ended {self._end()}") from None
            except BaseException:
                ours.close()
                raise
        return ours, int(pid)

    def how(self, pid: int) -> str:
        """Say how a worker ended."""
        with self._lock:
            try:
                self._control.sendall(bytes([HOW]) + str(pid).encode())
                return bytes(receive(self._control)[1]).decode()
            except (OSError, EOFError):
                return self._end()

    def stop(self) -> None:
        """Let it end, and its workers; those that do not are killed."""
        with suppress(OSError):
            self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self._let_go()
        self._process.wait()

    def kill(self) -> None:
        """End it and all its workers now."""
        self._control.close()
        self._let_go()
        self._process.wait()

    def forget(self) -> None:
        """Close what a fork of this process has inherited: the zygote is its parent's."""
        self._control.close()
        self._close_lifeline()
        self._process.returncode = 0  # nobody here can wait for it

    def _wait_until_loaded(self) -> None:
        if self._ready:
            return
        kind, said = receive(self._control)
        Path(self._plan).unlink(missing_ok=True)
        if kind == FAILED:
            raise Failure.read(orjson.loads(said)).exception()
        self._ready = True

    def _let_go(self) -> None:
        """Close the lifeline, so that the kernel ends the group."""
        Path(self._plan).unlink(missing_ok=True)
        self._close_lifeline()

    def _close_lifeline(self) -> None:
        writing, self._writing = self._writing, -1
        if writing >= 0:
            os.close(writing)

    def _end(self) -> str:
        try:
            code = self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return "for an unknown reason"
        return f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"


def _file_with(text: str) -> str:
    descriptor, name = tempfile.mkstemp(prefix="metaflow-function-", suffix=".json")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return name


def _after_fork() -> None:
    for zygote in list(_HELD):
        zygote.forget()


os.register_at_fork(after_in_child=_after_fork)
