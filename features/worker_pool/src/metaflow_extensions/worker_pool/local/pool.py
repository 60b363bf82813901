"""The pool of one step: which worker has which item, and which items wait."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool.errors import UnsupportedError
from metaflow_extensions.worker_pool.local.command import Command
from metaflow_extensions.worker_pool.local.ends import Deaths, finished_before_death
from metaflow_extensions.worker_pool.local.handle import Handle
from metaflow_extensions.worker_pool.local.member import Member, start_of
from metaflow_extensions.worker_pool.local.recycling import EARLY, Limits
from metaflow_extensions.worker_pool.local.sizing import Growth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from metaflow_extensions.worker_pool.local.sizing import Size
    from metaflow_extensions.worker_pool.progress.report import Report
    from metaflow_extensions.worker_pool.spec import Spec

KILLED = -9
STAYS = ("threads", "processes")  # what an item leaves and nobody but the worker's end takes away


class Pool:
    """Workers of one step, at most `size` at a time but for a replacement that is under way."""

    def __init__(
        self, spec: Spec, step: str, size: Size, slots: int, report: Report, *, lean: bool
    ) -> None:
        self.spec, self.step, self.report, self._lean = spec, step, report, lean
        self.size = min(size.workers, slots)
        self._growth = Growth(size, slots) if spec.size is None else None
        self.idle: list[Member] = []
        self.busy: set[Member] = set()
        self.waiting: deque[Handle] = deque()
        self._deaths = Deaths(spec.poison_after)
        self._started = 0
        self._ending: list[Member] = []  # were told to go

    def start(self, argv: Sequence[str], env: Mapping[str, str], task: Any) -> Handle | None:
        """Take an attempt in; None if it is one that Metaflow has to start itself."""
        return self.take(argv, env, task, Handle)

    def take(
        self, argv: Sequence[str], env: Mapping[str, str], task: Any, make: Callable[..., Handle]
    ) -> Handle | None:
        """Take an attempt in, as a handle of some kind."""
        command = Command.of(argv, env, self.step)
        if command is None:
            if task.retries > task.user_code_retries:  # what @catch does in the end
                return None
            raise UnsupportedError(
                f"step {self.step} is started by `{' '.join(map(str, argv[:3]))} ...` and not by a"
                " Python of this machine; take @worker_pool or what does that off"
            )
        handle = make(self, command, task)
        self.waiting.append(handle)
        self.report.took(task)
        self._assign()
        return handle

    def _assign(self) -> None:
        """Give waiting items to workers, starting as many as there may be."""
        while self.waiting:
            member = self._free(self.waiting[0].command)
            if member is None:
                return
            self.busy.add(member)
            self.waiting.popleft().given(member)

    def _free(self, command: Command) -> Member | None:
        """Find an idle worker for a command, or make one; None if all are busy."""
        key = command.key()
        for member in [one for one in self.idle if one.process.poll() is not None]:
            self.idle.remove(member)  # nobody's item is charged with the death of an idle one
            self.report.worker("died", member.pid, "idle")
            member.channel.close()
            member.forget()
        for member in reversed(self.idle):  # the one that was busy last
            if member.key == key:
                self.idle.remove(member)
                return member
        if len(self.idle) + len(self.busy) < self.size:
            return self._another(command)
        if self.idle:  # of another environment
            self._retire(self.idle.pop(0))
            return self._another(command)
        return None

    def _another(self, command: Command) -> Member:
        limits = Limits.of(self.spec, self._started, self.size)
        self._started += 1
        start = start_of(self.spec, self.step, limits, lean=self._lean)
        member = Member(command, start, limits)
        self.report.worker("started", member.pid)
        return member

    def look(self, handle: Handle, *, wait: bool) -> None:
        """See if an attempt has ended, and let its worker go on with the next."""
        member = handle.member
        if member is None:
            self._cancel(handle)
            return
        message = member.ended(wait=wait)
        if message is None and not wait and member.process.poll() is None:
            return
        self.busy.remove(member)
        if message is None:
            handle.returncode = self._died(handle, member)
        else:
            handle.returncode = self._said(handle, member, message)
        if not _ends_the_run(handle):
            self._assign()

    def _said(self, handle: Handle, member: Member, message: Mapping[str, Any]) -> int:
        """Take an end that the worker told, and decide what becomes of the worker."""
        self.report.left_behind(message["left"])
        self.report.no_forks(member.threads)
        if self._growth is not None:
            self.size = self._growth.after(message["busy"], member.service.now)
        wear, reason = member.service.wear(member.limits)
        stays = [text for text in message["left"] if text.startswith(STAYS)]
        if wear >= 1 or stays:
            self._recycle(member, reason if wear >= 1 else f"an item left {stays[0]}")
        else:
            self.idle.append(member)
            if wear >= EARLY and not member.replaced:
                member.replaced = True
                self.idle.insert(0, self._another(handle.command))
        code = int(message["end"])
        return self._deaths.counted(handle, code) if code < 0 else code

    def _died(self, handle: Handle, member: Member) -> int:
        """Charge a worker's death to the item it had, unless that was finished already."""
        code = member.code()
        if not member.ready:
            for stream, said in zip((handle.stdout, handle.stderr), member.said(), strict=True):
                stream.add(said)
        member.forget()
        self.report.worker("died", member.pid, f"exit status {code}")
        if handle.killed:
            return code
        if finished_before_death(handle.task):
            return 0
        return self._deaths.counted(handle, code)

    def _cancel(self, handle: Handle) -> None:
        """End an item that no worker has got; Metaflow asks only when it stops everything."""
        self.waiting.remove(handle)
        handle.let_go()
        handle.returncode = KILLED

    def kill(self, handle: Handle) -> None:
        """Kill an item as Metaflow kills a process."""
        handle.killed = True
        if handle.member is None:
            self._cancel(handle)
        else:
            handle.member.kill()

    def _recycle(self, member: Member, reason: str) -> None:
        self.report.worker("recycled", member.pid, reason)
        self._retire(member)

    def _retire(self, member: Member) -> None:
        """Tell a worker to go, and look after those that have gone."""
        member.retire()
        gone = [one for one in self._ending if one.process.poll() is not None]
        for one in gone:
            one.forget()
        self._ending = [one for one in self._ending if one not in gone] + [member]

    def close(self) -> None:
        """End all workers; at the end of the run."""
        members = [*self.idle, *self.busy, *self._ending]
        for member in self.busy:
            member.kill()
        for member in members:
            member.retire()
        for member in members:
            member.close()
        self.idle, self.busy, self._ending = [], set(), []
        self.report.close()


def _ends_the_run(handle: Handle) -> bool:
    """Tell if Metaflow is about to stop everything, so that nothing more may begin."""
    task = handle.task
    return bool(handle.returncode) and task.retries >= task.user_code_retries + task.error_retries
