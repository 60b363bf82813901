"""Where the stand-ins of items come to: used where the scheduler's own seam is missing.

A thread of the scheduler's process is the only one that touches the pool.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool.client import stand_in
from metaflow_extensions.worker_pool.local.handle import Handle
from metaflow_extensions.worker_pool.wire import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaflow_extensions.worker_pool.local.pool import Pool

PROGRAM = stand_in.__file__
BACKLOG = 1000


class Listener:
    """Lets the items of one step come to its pool through a socket."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.report = pool, pool.report
        self._tasks: dict[tuple[str, str], Any] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="worker-pool-")
        self._place = str(Path(self._folder.name) / "pool")
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(self._place)
        self._server.listen(BACKLOG)
        self._clients: dict[int, Client] = {}
        self._stop, self._stopping = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="worker-pool", daemon=True)
        self._thread.start()

    def stand_in_front(self, cli_args: Any) -> None:
        """Let Metaflow start a stand-in, which names the pool and the command it stands for."""
        task = cli_args.task
        self._tasks[str(task.task_id), str(task.retries)] = task
        client = [sys.executable, "-I", "-S", PROGRAM, self._place]
        cli_args.entrypoint = [*client, *cli_args.entrypoint]

    def _serve(self) -> None:
        """Go on until `close`: take new clients in, and look who has ended."""
        while True:
            ready = self._wait()
            if self._stop in ready:
                return
            if self._server.fileno() in ready:
                client = Client(self._server.accept()[0])
                self._clients[client.channel.socket.fileno()] = client
            for descriptor in ready & self._clients.keys():
                self._hear(self._clients[descriptor])
            for client in list(self._clients.values()):
                self._see(client)

    def _wait(self) -> set[int]:
        poll = select.poll()
        members = [d for m in self.pool.busy for d in (m.channel.socket.fileno(), m.death)]
        for descriptor in (self._stop, self._server.fileno(), *self._clients, *members):
            poll.register(descriptor, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll()}

    def _hear(self, client: Client) -> None:
        """Take a client's request, or its end, which is that of its item."""
        message, pipes = client.channel.receive()
        if message is not None and client.handle is None:
            options = message["argv"]
            key = tuple(options[options.index(n) + 1] for n in ("--task-id", "--retry-count"))
            task = self._tasks.pop((key[0], key[1]))
            client.handle = self.pool.take(
                message["argv"], message["env"], task, ClientHandle.with_streams(pipes)
            )
        elif client.handle is not None and client.handle.returncode is None:
            client.handle.kill()

    def _see(self, client: Client) -> None:
        """Tell a client how its item ended."""
        handle = client.handle
        if handle is None or (handle.member is None and handle.returncode is None):
            return
        code = handle.poll()
        if code is None:
            return
        del self._clients[client.channel.socket.fileno()]
        handle.stdout.close()
        handle.stderr.close()
        self.report.ended(handle.task, code)
        with suppress(OSError):
            client.channel.send({"end": code})
        client.channel.close()

    def close(self) -> None:
        os.close(self._stopping)
        self._thread.join()
        os.close(self._stop)
        self._server.close()
        self.pool.close()
        self._folder.cleanup()


class Client:
    """A stand-in that has come, and its item once it has said which."""

    def __init__(self, connection: socket.socket) -> None:
        self.channel = Channel(connection)
        self.handle: Any = None


class ClientHandle(Handle):
    """An attempt whose output is that of its stand-in."""

    @classmethod
    def with_streams(cls, pipes: list[int]) -> Callable[[Pool, Any, Any], Handle]:
        """Give what makes a handle whose output goes to a stand-in's streams."""

        def make(pool: Pool, command: Any, task: Any) -> Handle:
            handle = cls.__new__(cls)
            handle.begin(pool, command, task, pipes)
            handle.stdout, handle.stderr = (Back(os.dup(pipe)) for pipe in pipes)
            return handle

        return make


class Back:
    """A stream of a stand-in, for what has to be added at its end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def add(self, text: bytes) -> None:
        with suppress(OSError):
            os.write(self._descriptor, text)

    def close(self) -> None:
        os.close(self._descriptor)
