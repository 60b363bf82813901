"""A worker: runs one item after the other until the scheduler has no more."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool import blobs, lean
from metaflow_extensions.worker_pool.wire import Channel
from metaflow_extensions.worker_pool.worker import forking, memory
from metaflow_extensions.worker_pool.worker.busy import Watch
from metaflow_extensions.worker_pool.worker.item import Item, outcome
from metaflow_extensions.worker_pool.worker.randomness import Randomness
from metaflow_extensions.worker_pool.worker.state import State
from metaflow_extensions.worker_pool.worker.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaflow_extensions.worker_pool.worker.entry import Start


def serve(start: Start, real: Any, arguments: tuple[Any, ...]) -> None:
    """Answer the scheduler until it hangs up; ends the process."""
    import socket

    worker = Worker(start, Channel(socket.socket(fileno=start.socket)), real, arguments)
    os.register_at_fork(after_in_child=worker.forked)
    try:
        worker.loop()
    except KeyboardInterrupt:
        sys.exit(1)
    sys.exit(0)


class Worker:
    """The process that items come to."""

    def __init__(
        self, start: Start, channel: Channel, real: Any, arguments: tuple[Any, ...]
    ) -> None:
        self.start, self.channel, self.process = start, channel, os.getpid()
        self._real, self._arguments = real, arguments
        self.interpreter = sys.orig_argv[: len(sys.orig_argv) - len(sys.argv)]
        if start.lean:
            lean.use()
        blobs.keep(arguments[1])
        self.streams = Streams(start.outputs)
        self.randomness = Randomness.found(start.beginning)
        self.state = State.taken(arguments)
        self.memory = memory.Growth(start.growth)

    def loop(self) -> None:
        run: Callable[[Item, list[int]], dict[str, Any]] = self.in_process
        threads = forking.threads() if self.start.fork else []
        if threads:
            run = self.in_process_of_its_own
        elif self.start.fork:
            run = self.in_fork
        gc.collect()
        gc.freeze()  # what is loaded stays: no collection has to look at it, nor copy it in forks
        self.channel.send({"ready": self.process, "threads": threads})
        while True:
            message, pipes = self.channel.receive()
            if message is None:
                return
            said = run(Item.of(message), pipes)
            self.channel.send(said)
            self.streams.away()

    def in_process(self, item: Item, pipes: list[int]) -> dict[str, Any]:
        """Run an item here, and set back what it changed."""
        watch = Watch()
        self.streams.to(pipes)
        self.state.enter(item)
        self.randomness.begin()
        code = outcome(lambda: item.run(self.task()))
        if os.getpid() != self.process:  # a fork of the user's code, which ends as it would have
            forking.leave(code)
        busy, left = watch.share(), self.state.leave()
        return {"end": code, "left": left, "rss": self.memory.after(), "busy": busy}

    def in_fork(self, item: Item, pipes: list[int]) -> dict[str, Any]:
        """Run an item in a fork of this process."""
        child = os.fork()
        if child == 0:
            forking.begin(self.process)
            self.streams.to(pipes)
            self.state.enter(item)
            self.randomness.begin()
            forking.leave(outcome(lambda: item.run(self.task())))
        return self._seen_through(child, pipes)

    def in_process_of_its_own(self, item: Item, pipes: list[int]) -> dict[str, Any]:
        """Start an item as plain Metaflow does; this process has threads, and no fork is safe."""
        environment = {**os.environ, **item.environment}
        out, err = pipes
        argv = [*self.interpreter, *item.argv]
        child = subprocess.Popen(argv, env=environment, stdout=out, stderr=err)
        return self._seen_through(child.pid, pipes)

    def _seen_through(self, child: int, pipes: list[int]) -> dict[str, Any]:
        """Tell the scheduler who runs its item, and how that ended."""
        for pipe in pipes:
            os.close(pipe)
        self.channel.send({"child": child})
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        return {"end": code, "left": [], "rss": memory.now(), "busy": None}

    def task(self) -> Any:
        """Make what Metaflow makes of a task, with a flow that nothing has been done to."""
        flow, *others = self._arguments
        task = self._real(type(flow)(use_cli=False), *others)
        task.step_name = self.start.step
        return task

    def forked(self) -> None:
        """Let go of the scheduler in what user code forks, which may outlive this process."""
        self.channel.close()
