"""Stop what dead owners left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_backends import registry
from metaflow_backends.errors import BackendError
from metaflow_backends.identity import boot_id
from metaflow_backends.launch import SWEEP_GRACE, leftovers, leftovers_of, take_down
from metaflow_backends.ownership import Ownership
from metaflow_backends.spawning import end_all
from metaflow_backends.state import (
    Folder,
    Phase,
    State,
    StateError,
    VersionError,
    folders,
    owner_alive,
)

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.protocol import Backend

LOCK_TIMEOUT = 0.1  # seconds; whoever holds the lock is alive and at work
CORRUPT = ".corrupt"

Load = Callable[[str], "Backend"]


@dataclass(frozen=True)
class Reaped:
    """One backend that a dead owner had left: what was done, or why it could not be done."""

    column: str
    reason: str  # why it was reaped, one line
    processes: tuple[int, ...] = ()  # pids that were still running
    problem: str = ""  # not empty: it could not be stopped fully and is kept for the next try


def reap(state_dir: Path, load: Load = registry.load) -> tuple[Reaped, ...]:
    """Stop every backend below the state folder whose owner is gone, also a half-started one.

    What a live process is starting or stopping right now is left alone. An unreadable state file
    is set aside (`state.json.corrupt`) after everything started from its folder was ended.
    """
    reaped = (_reap_locked(folder, load) for folder in folders(state_dir))
    return tuple(item for item in reaped if item is not None)


def _reap_locked(folder: Folder, load: Load) -> Reaped | None:
    try:
        with folder.lock(LOCK_TIMEOUT):
            return _reap(folder, load)
    except StateError as error:
        return Reaped(folder.column, "its state could not be changed", problem=str(error))
    except BackendError:
        return None  # somebody holds the lock, so it has a living owner


def _reap(folder: Folder, load: Load) -> Reaped | None:
    try:
        state = folder.read()
    except VersionError as error:
        return Reaped(folder.column, "another release started it", problem=str(error))
    except StateError as error:
        return set_aside(folder, error)
    if state is None:
        return _reap_homes(folder)
    if owner_alive(state) and not abandoned(state):
        return None
    return stop_left(state, folder, load)


def abandoned(state: State) -> bool:
    """Tell whether nobody goes on with a start or stop, seen by the holder of its lock.

    A stop without the lock was killed or has failed. So was a detached start; the start of a run
    that lives on is that run's own affair.
    """
    return state.phase is Phase.STOPPING or (state.detached and state.phase is Phase.STARTING)


def stop_left(state: State, folder: Folder, load: Load) -> Reaped:
    """Stop one backend that nobody answers for any more; the caller holds the lock."""
    reason = _reason(state)
    before = tuple(p.pid for p in leftovers_of(state, folder))
    problem = ""
    try:
        backend: Backend | None = load(state.kind)
    except BackendError as error:
        backend, problem = None, str(error)
    try:
        take_down(state, folder, backend)
    except BackendError as error:
        problem = str(error)
    return Reaped(folder.column, reason, before, problem)


def _reason(state: State) -> str:
    if state.boot != boot_id():
        return "the machine was restarted since"
    if abandoned(state):
        return f"its {state.phase.value} phase was interrupted"
    who = f"its owner, process {state.owner.pid}," if state.owner else "its owner"
    return f"{who} is gone (phase: {state.phase.value})"


def _reap_homes(folder: Folder) -> Reaped | None:
    """End processes of a start whose state file is gone (deleted by hand)."""
    left = _end_homes(folder)
    return Reaped(folder.column, "its state file was deleted", left) if left else None


def set_aside(folder: Folder, error: StateError) -> Reaped:
    """Keep an unreadable state file under another name and end what its homes show."""
    left = _end_homes(folder)
    kept = folder.file.with_name(folder.file.name + CORRUPT)
    folder.file.replace(kept)
    return Reaped(folder.column, f"{error}; kept as {kept.name}", left)


def _end_homes(folder: Folder) -> tuple[int, ...]:
    left = tuple(process for home in folder.homes() for process in leftovers(Ownership.of(home)))
    end_all(left, SWEEP_GRACE)
    return tuple(process.pid for process in left)
