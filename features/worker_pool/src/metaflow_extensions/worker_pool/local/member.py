"""One worker process, as the scheduler has it."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool.local.recycling import Limits, Service
from metaflow_extensions.worker_pool.wire import START, Channel, stamp
from metaflow_extensions.worker_pool.worker import randomness
from metaflow_extensions.worker_pool.worker.entry import Start

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaflow_extensions.worker_pool.local.command import Command
    from metaflow_extensions.worker_pool.spec import Spec

_KEPT = 1 << 20  # bytes of what a worker says until it is ready
_GRACE = 5.0  # seconds that a worker has to end when it is told to


class Member:
    """A worker: starting, with an item, or idle."""

    def __init__(self, command: Command, start: Mapping[str, Any], limits: Limits) -> None:
        ours, theirs = socket.socketpair()
        outputs = [os.memfd_create(name) for name in ("stdout", "stderr")]
        told = Start(socket=theirs.fileno(), outputs=(outputs[0], outputs[1]), **start)
        self.process = subprocess.Popen(
            command.worker,
            env={**command.environment, START: told.text()},
            stdin=subprocess.PIPE,
            stdout=outputs[0],
            stderr=outputs[1],
            pass_fds=(theirs.fileno(), *outputs),
        )
        theirs.close()
        self.base = dict(command.environment)
        self.limits, self.channel, self._outputs = limits, Channel(ours), outputs
        self.death = os.pidfd_open(self.process.pid)  # readable once the process is dead
        self.begun = time.monotonic()
        self.service = Service()
        self.child: int | None = None  # the fork that runs its item
        self.key = command.key()
        self.ready = False  # has loaded the flow
        self.threads: list[str] = []  # for which it cannot fork
        self.replaced = False  # another is started already for when it goes

    @property
    def pid(self) -> int:
        return self.process.pid

    def give(self, command: Command, pipes: list[int]) -> None:
        """Hand over an item; one that is dead already shows so where its end is waited for."""
        argv = command.argv[command.program :]
        with suppress(OSError):
            said = {"argv": argv, "env": command.late(self.base), "at": stamp()}
            self.channel.send(said, pipes)

    def ended(self, *, wait: bool) -> dict[str, Any] | None:
        """Give how its item ended; None if it runs, or if the worker died before it could say.

        Without `wait` only what has been said already is looked at.
        """
        while self.channel.holds_more or self._readable(wait=wait):
            with suppress(OSError):
                message, _ = self.channel.receive()
                if message is None:
                    return None
                if "end" in message:
                    self.child = None
                    self._count(message)
                    return dict(message)
                self.ready = True
                self.threads = message.get("threads", self.threads)
                self.child = message.get("child")
        return None

    def _readable(self, *, wait: bool) -> bool:
        """Wait for words, which a dying worker may leave behind, or for its death."""
        poll = select.poll()
        poll.register(self.channel.socket, select.POLLIN)
        poll.register(self.death, select.POLLIN)
        found = dict(poll.poll(None if wait else 0))
        return bool(found.get(self.channel.socket.fileno(), 0) & select.POLLIN)

    def _count(self, message: Mapping[str, Any]) -> None:
        done, held = self.service, int(message["rss"])
        self.service = Service(done.items + 1, self.age, done.first or held, held)

    @property
    def age(self) -> float:
        return time.monotonic() - self.begun

    def code(self) -> int:
        """Give the exit status of a worker that is dead or about to be."""
        return self.process.wait()

    def said(self) -> tuple[bytes, bytes]:
        """Give what a worker wrote that died before it was ready."""
        out, err = (os.pread(kept, _KEPT, 0) for kept in self._outputs)
        return out, err

    def kill(self) -> None:
        if self.child is not None:
            with suppress(ProcessLookupError):
                os.kill(self.child, 9)
        self.process.kill()

    def retire(self) -> None:
        """Let it end by itself; it has no item."""
        self.channel.close()

    def close(self) -> None:
        """See its end, and let go of all that belongs to it."""
        self.channel.close()
        try:
            self.process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
            self.process.wait()
        self.forget()

    def forget(self) -> None:
        if self.process.stdin:
            with suppress(OSError):
                self.process.stdin.close()
        for descriptor in (self.death, *self._outputs):
            with suppress(OSError):
                os.close(descriptor)
        self.death, self._outputs = -1, []


def start_of(spec: Spec, step: str, limits: Limits, *, lean: bool) -> dict[str, Any]:
    """Name what a worker is told when it starts, beside its descriptors."""
    fork = spec.isolation.value == "fork"
    return {
        "step": step, "fork": fork, "growth": limits.growth, "lean": lean,
        "beginning": randomness.beginning(),
    }  # fmt: skip
