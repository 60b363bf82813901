"""One decision per run and column, over any number of processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.identity import identify
from metaflow_backends.launch import take_down
from metaflow_backends.reaping import Reaped, abandoned, reap, stop_left
from metaflow_backends.state import Folder, Phase, State, folders, owner_alive

from pytest_metaflow_backends.lifecycle import claims
from pytest_metaflow_backends.lifecycle.decision import (
    Answer,
    Decision,
    decision_file,
    forget_decisions,
)
from pytest_metaflow_backends.lifecycle.outages import Broken, Unavailable
from pytest_metaflow_backends.lifecycle.sharing import activate
from pytest_metaflow_backends.lifecycle.starting import Listener, Registry, Starter, shareable
from pytest_metaflow_backends.records import BackendEvent

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.protocol import Process

    from pytest_metaflow_backends.errors import UsageError
    from pytest_metaflow_backends.lifecycle.active import Active
    from pytest_metaflow_backends.matrix.model import Column

LOCK_MARGIN = 60.0  # seconds beyond the start timeout: probing before it, cleaning up after it
STOP_TIMEOUT = 120.0  # seconds to wait for a worker that is still busy with the column


class Lifecycle:
    """Brings the columns of one run up and down.

    Every process of the run makes one with the same arguments: `session` names the run, `owner`
    is its controller. `reap` and `release_all` are for the controller alone.
    """

    def __init__(
        self,
        state_dir: Path,
        session: str,
        owner: Process,
        registry: Registry,
        on_event: Listener,
    ) -> None:
        if owner.ticks is None:  # made by somebody who knows only pid and time
            owner = identify(owner.pid) or owner
        self._state_dir = state_dir
        self._session = session
        self._registry = registry
        self._starter = Starter(registry, on_event, session, owner)
        self._owner = owner
        self._known: dict[str, tuple[tuple[int, int], Active]] = {}

    def reap(self) -> tuple[Reaped, ...]:
        """Take the state folder for this run and stop what dead runs left in it.

        Raises UsageError if a living run has the folder. What could not be stopped is in the
        answer, with its problem; acquiring that column will fail.
        """
        claims.claim(self._state_dir, self._session, self._owner)
        reaped = reap(self._state_dir, self._registry.load)
        for folder in folders(self._state_dir):
            forget_decisions(folder, keep=frozenset({self._session}))
        return reaped

    def acquire(self, column: Column) -> Active:
        """Give the column, started if nobody of this run has tried yet.

        Raises Unavailable or Broken, the same in every process of the run, and UsageError if the
        matrix asks for what does not exist or another run has the column.
        """
        folder = Folder.of(self._state_dir, column.name)
        path = decision_file(folder, self._session)
        stamp = _stamp(path)
        if (known := self._known.get(column.name)) and known[0] == stamp:
            return known[1]
        with folder.lock(column.start_timeout + LOCK_MARGIN):
            decision = Decision.read(path)
            if decision is None:
                decision = self._decide(column, folder)
                decision.write(path)
            stamp = _stamp(path)
            decision.raise_if_out(column.name)
            active = self._active(column, folder)
        self._known[column.name] = (stamp, active)
        return active

    def report_failure(self, column: Column, reason: str = "") -> bool:
        """Count a failure the backend is to blame for; after the second the column is broken.

        Counts across all processes of the run. Returns True in the one call that broke it, and
        False for a column that this run never acquired.
        """
        folder = Folder.of(self._state_dir, column.name)
        path = decision_file(folder, self._session)
        with folder.lock(column.start_timeout + LOCK_MARGIN):
            before = Decision.read(path)
            if before is None:
                return False
            after = before.after_failure(reason)
            after.write(path)
        broke = after.answer is not before.answer
        if broke:
            self._starter.tell(column, "broken", reason=after.reason)
        return broke

    def release_all(self) -> None:
        """Stop everything this run started and give the state folder back.

        A detached backend goes on. A column that cannot be stopped is told as an event, and its
        state is kept for the next `reap`.
        """
        for folder in folders(self._state_dir):
            self._release(folder)
        claims.release(self._state_dir, self._session)

    def _decide(self, column: Column, folder: Folder) -> Decision:
        if column.shares is not None:
            return self._join(column, column.shares)
        try:
            state = self._usable(folder)
            if state is None:
                return self._starter.start(column, folder)
            decision = shareable(column, state, self._starter.load(column))
        except BackendError as error:
            cure = f"mf-backends down {column.name}"
            self._starter.tell(column, "failed", reason=str(error), cure=cure)
            return Decision(Answer.BROKEN, str(error), cure)
        if decision.answer is Answer.UP:
            self._starter.tell_up(column, state.running, reason="started by hand (mf-backends up)")
        else:
            self._starter.tell(column, "failed", reason=decision.reason, cure=decision.cure)
        return decision

    def _join(self, column: Column, host: Column) -> Decision:
        """Decide as was decided about the column that is started in its place."""
        try:
            running = self.acquire(host).running
        except Unavailable as out:
            self._starter.tell(column, "unavailable", reason=out.reason, cure=out.cure)
            return Decision(Answer.UNAVAILABLE, out.reason, out.cure)
        except Broken as out:
            self._starter.tell(column, "failed", reason=out.reason, cure=out.cure)
            return Decision(Answer.BROKEN, out.reason, out.cure)
        active = activate(column, self._starter.load(column), running)
        self._starter.tell_up(column, active.running, reason=f"shares {host.name}")
        return Decision(Answer.UP)

    def _usable(self, folder: Folder) -> State | None:
        """Find a detached backend that is up; clear away what was started in vain.

        We hold the lock: whatever is in a phase other than `up`, or belongs to this run without
        a decision, was left by a worker that died.
        """
        state = folder.read()
        if state is None:
            return None
        if state.detached and state.phase is Phase.UP and owner_alive(state):
            return state
        foreign = state.session != self._session and not abandoned(state)
        if state.owner is not None and foreign and owner_alive(state):
            raise self._taken(state, state.owner)
        reaped = stop_left(state, folder, self._registry.load)
        if reaped.problem:
            raise BackendError(f"what an earlier start left is in the way: {reaped.problem}")
        return None

    def _taken(self, state: State, owner: Process) -> UsageError:
        other = claims.Claim(state.session, owner, state.boot, state.started)
        return claims.taken(self._state_dir, other)

    def _active(self, column: Column, folder: Folder) -> Active:
        backend = self._starter.load(column)
        if column.shares is not None:
            return activate(column, backend, self.acquire(column.shares).running)
        state = folder.read()
        if state is None or state.phase is not Phase.UP:
            raise Broken(column.name, "somebody stopped it during this run (mf-backends down?)")
        return activate(column, backend, state.running)

    def _release(self, folder: Folder) -> None:
        try:
            with folder.lock(STOP_TIMEOUT):
                state = folder.read()
                if state is not None and state.session == self._session:
                    self._stop(state, folder)
                decision_file(folder, self._session).unlink(missing_ok=True)
        except BackendError as error:
            self._tell_down(folder.column, reason=f"could not be stopped: {error}")

    def _stop(self, state: State, folder: Folder) -> None:
        began = time.monotonic()
        left = take_down(state, folder, self._registry.load(state.kind))
        reason = f"left {len(left)} processes behind, which were ended" if left else ""
        self._tell_down(folder.column, reason=reason, seconds=time.monotonic() - began)

    def _tell_down(self, column: str, *, reason: str = "", seconds: float = 0.0) -> None:
        backend, _, variant = column.partition("/")
        self._starter.listen(
            BackendEvent(
                backend=backend,
                variant=variant or None,
                state="down",
                reason=reason,
                seconds=seconds,
            )
        )


def _stamp(path: Path) -> tuple[int, int]:
    """Tell whether a decision has changed since it was read: every change is a new file.

    The time alone is too coarse for two changes within one tick of the kernel's clock.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_ino, found.st_mtime_ns)
