"""Bring one backend up and down, so that a kill at any point leaves a trail to follow.

The caller holds the folder's lock.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.identity import boot_id, is_running
from metaflow_backends.ownership import LEDGER, Ownership
from metaflow_backends.spawning import end_all, family
from metaflow_backends.state import Folder, Phase, State, as_stored

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metaflow_backends.protocol import Backend, Process, Running, Settings

SWEEP_GRACE = 1.0  # seconds: what a backend's own stop left behind had its chance


def bring_up(
    backend: Backend,
    settings: Settings,
    folder: Folder,
    *,
    session: str = "",
    owner: Process | None = None,
) -> State:
    """Start a backend and keep its state; without an owner it outlives its starter.

    Whatever start raises, and also Ctrl-C, everything it started is stopped again first.
    """
    home = folder.new_home()
    state = State(
        id=Ownership.of(home).tag,
        column=folder.column,
        kind=backend.kind,
        phase=Phase.STARTING,
        home=str(home),
        boot=boot_id(),
        started=time.time(),
        session=session,
        owner=owner,
        settings=digest(settings),
    )
    folder.write(state)
    try:
        running = backend.start(settings, home)
        state = replace(state, phase=Phase.UP, running=as_stored(running))
        folder.write(state)
    except BaseException:
        take_down(state, folder, backend)
        raise
    return state


def take_down(state: State, folder: Folder, backend: Backend | None) -> tuple[Process, ...]:
    """Stop a backend and forget its state; its home stays, for the logs.

    Returns the processes that the backend's own stop had left behind (they are ended, too).
    `backend` is None where its code is gone: then only processes can be ended. Raises
    BackendError if stop fails or a process survives; the state is kept then, for another try.
    """
    folder.write(replace(state, phase=Phase.STOPPING))
    problem = _stop(state, folder, backend)
    left = leftovers_of(state, folder)
    end_all(left, SWEEP_GRACE, again=ownership_of(state, folder).tagged)
    if problem is not None:
        raise BackendError(
            f"{state.column}: could not be stopped: {type(problem).__name__}: {problem}"
        ) from problem
    folder.clear()
    return left if backend is not None else ()


def ownership_of(state: State, folder: Folder) -> Ownership:
    """Give the marks of a start; its tag stays valid if the state folder was moved since."""
    return Ownership(tag=state.id, ledger=folder.home_of(state) / LEDGER)


def leftovers_of(state: State, folder: Folder) -> tuple[Process, ...]:
    """Find what still runs of a start."""
    return leftovers(ownership_of(state, folder), _valid(state).processes)


def _valid(state: State) -> Running:
    """Drop the pids of an earlier boot: what has them now is somebody else's."""
    return state.running if state.boot == boot_id() else replace(state.running, processes=())


def leftovers(ownership: Ownership, recorded: Iterable[Process] = ()) -> tuple[Process, ...]:
    """Find processes that were recorded and still run, their families, and tagged ones."""
    known = [p for p in (*recorded, *ownership.recorded()) if is_running(p)]
    found = [*ownership.tagged(), *(member for p in known for member in family(p))]
    return tuple({process.pid: process for process in found}.values())


def digest(settings: Settings) -> str:
    """Tell settings apart: a detached backend is only shared if it was started with the same."""
    text = json.dumps(asdict(replace(settings, start_timeout=0.0)), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stop(state: State, folder: Folder, backend: Backend | None) -> Exception | None:
    """Let the backend stop itself; what it raises must not keep us from ending the rest."""
    if backend is None:
        return None
    try:
        backend.stop(_valid(state), folder.home_of(state))
    except Exception as error:  # noqa: BLE001 - any error of any backend; take_down raises it
        return error
    return None
