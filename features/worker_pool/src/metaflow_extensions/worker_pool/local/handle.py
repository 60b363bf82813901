"""What Metaflow's scheduler holds in place of a process: an item, waiting or with a worker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool.local.stream import Stream

if TYPE_CHECKING:
    from metaflow_extensions.worker_pool.local.command import Command
    from metaflow_extensions.worker_pool.local.member import Member
    from metaflow_extensions.worker_pool.local.pool import Pool


class Handle:
    """An attempt of an item; what `subprocess.Popen` is to a task of plain Metaflow."""

    stdout: Any
    stderr: Any

    def __init__(self, pool: Pool, command: Command, task: Any) -> None:
        out, err = os.pipe(), os.pipe()
        self.begin(pool, command, task, [out[1], err[1]])
        self.stdout, self.stderr = Stream(out[0]), Stream(err[0])

    def begin(self, pool: Pool, command: Command, task: Any, pipes: list[int]) -> None:
        self.pool, self.command, self.task = pool, command, task
        self.pipes = pipes  # until a worker has them
        self.member: Member | None = None
        self.returncode: int | None = None
        self.killed = False
        self._pid: int | None = None

    @property
    def pid(self) -> int | None:
        """Give the process that runs it; None while it waits for a worker."""
        if self.member is not None:
            self._pid = self.member.child or self.member.pid
        return self._pid

    def given(self, member: Member) -> None:
        """Go to a worker, which is the only one to hold the writing ends from now on."""
        self.member = member
        self._pid = member.pid
        member.give(self.command, self.pipes)
        self.let_go()

    def let_go(self) -> None:
        for pipe in self.pipes:
            os.close(pipe)
        self.pipes = []

    def poll(self) -> int | None:
        if self.returncode is None:
            self.pool.look(self, wait=False)
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.pool.look(self, wait=True)
        assert self.returncode is not None  # noqa: S101 - look waits for it
        return self.returncode

    def kill(self) -> None:
        if self.returncode is None:
            self.pool.kill(self)
