"""Workers of one function, handed out to one call at a time."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from metaflow_extensions.functions.errors import ClosedError, WorkerDiedError
from metaflow_extensions.functions.failure import Failure
from metaflow_extensions.functions.process.sharing import give_back, take
from metaflow_extensions.functions.process.wire import CALL, FAILED, MAP, TOGETHER, receive, send
from metaflow_extensions.functions.recreating import interpreter_for
from metaflow_extensions.functions.settings import LARGEST, forks
from metaflow_extensions.functions.slots import Deadline, Slots

if TYPE_CHECKING:
    from metaflow_extensions.functions.loading import Loaded
    from metaflow_extensions.functions.process.starting import Zygote
    from metaflow_extensions.functions.process.wire import Payload


@dataclass
class Slot:
    """A place for a worker, which may be empty."""

    stream: socket.socket | None = None
    pid: int = 0
    zygote: Zygote | None = None  # the one that knows it


class ProcessBackend:
    """Runs calls in workers; one that dies or takes too long is replaced at the next call."""

    def __init__(self, loaded: Loaded, *, workers: int = 1, largest: int = LARGEST) -> None:
        self.workers, self.largest = workers, largest
        self._plan = loaded.plan
        self._interpreter = interpreter_for(loaded.reference.environment)
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        """Start with empty slots, as at first and in a fork of this process."""
        self._owner = os.getpid()
        self._zygote: Zygote | None = take(self._plan, self._interpreter, self.largest)
        self._former: list[Zygote] = []  # whose workers may live on
        self._all = [Slot() for _ in range(self.workers)]
        self._slots = Slots(self._all)
        self._closed = False

    def start(self) -> None:
        """Wait until the function is loaded and a worker is there; raises what loading raised."""
        with self._slots.one(Deadline(None)) as slot:
            self._filled(slot)

    def call(self, payload: bytes, timeout: float | None = None) -> Payload:
        return self._ask(CALL, payload, timeout)

    def map(self, payload: bytes, timeout: float | None = None) -> Payload:
        return self._ask(MAP, payload, timeout)

    def close(self) -> None:
        """End all workers; calls that run are ended, too."""
        self._closed = True
        if self._owner != os.getpid():  # a fork: they are its parent's
            return
        for slot in self._all:
            self._empty(slot, kill=True)
        for zygote in (*self._former, *([self._zygote] if self._zygote else [])):
            give_back(zygote)
        self._zygote, self._former = None, []

    def _ask(self, kind: int, payload: bytes, timeout: float | None) -> Payload:
        if self._owner != os.getpid():
            with self._lock:
                if self._owner != os.getpid():
                    self._begin()
        deadline = Deadline(timeout)
        with self._slots.one(deadline) as slot:
            return self._through(slot, kind, payload, deadline)

    def _through(self, slot: Slot, kind: int, payload: bytes, deadline: Deadline) -> Payload:
        """Send and receive through a slot; whatever interrupts that costs it its worker."""
        try:
            stream = self._sent(slot, kind, payload, deadline)
            answered, said = receive(stream)
            stream.settimeout(None)
        except TimeoutError:
            self._empty(slot, kill=True)
            raise deadline.passed() from None
        except (EOFError, ConnectionError):
            raise self._died(slot) from None
        except BaseException:
            self._empty(slot, kill=True)
            raise
        if answered == FAILED:
            raise Failure.read(orjson.loads(said)).exception()
        return said

    def _sent(self, slot: Slot, kind: int, payload: bytes, deadline: Deadline) -> socket.socket:
        """Send a call; a worker that died before it took any of it is replaced without a word."""
        stream = self._filled(slot)
        stream.settimeout(deadline.left)
        try:
            send(stream, kind, payload)
        except ConnectionError:
            if len(payload) > TOGETHER:  # it may have begun
                raise
            self._empty(slot)
            stream = self._filled(slot)
            stream.settimeout(deadline.left)
            send(stream, kind, payload)
        return stream

    def _filled(self, slot: Slot) -> socket.socket:
        if slot.stream is None:
            zygote = self._running()
            slot.stream, slot.pid = zygote.worker(fork=forks())
            slot.zygote = zygote
        return slot.stream

    def _running(self) -> Zygote:
        """Give the zygote; a new one if it was killed, or is going to be a worker itself."""
        with self._lock:
            if self._closed:
                raise ClosedError("the function was closed: load it again")
            if self._zygote is None or self._zygote.ended:
                if self._zygote is not None:
                    self._former.append(self._zygote)
                self._zygote = take(self._plan, self._interpreter, self.largest)
            zygote = self._zygote
            if not forks():
                self._former.append(zygote)
                self._zygote = None
            return zygote

    def _died(self, slot: Slot) -> Exception:
        if self._closed:
            return ClosedError("the function was closed while the call ran")
        pid, zygote = slot.pid, slot.zygote
        self._empty(slot)
        how = zygote.how(pid) if zygote else "for an unknown reason"
        return WorkerDiedError(
            f"the worker {pid} ended during the call: {how}; the next call works"
        )

    def _empty(self, slot: Slot, *, kill: bool = False) -> None:
        stream, slot.stream = slot.stream, None
        if stream is None:
            return
        with suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for it
        stream.close()
        if kill:
            with suppress(ProcessLookupError):
                os.kill(slot.pid, signal.SIGKILL)
            if slot.zygote:
                slot.zygote.how(slot.pid)
