"""Start and stop backends by hand: they outlive the command and are shared by later runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends import registry as installed
from metaflow_backends.errors import BackendError
from metaflow_backends.reaping import Reaped, set_aside, stop_left
from metaflow_backends.state import Folder, Phase, State, StateError, owner_alive

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.lifecycle import claims
from pytest_metaflow_backends.lifecycle.coordination import LOCK_MARGIN, STOP_TIMEOUT
from pytest_metaflow_backends.lifecycle.decision import Answer, decision_file
from pytest_metaflow_backends.lifecycle.outages import Broken
from pytest_metaflow_backends.lifecycle.sharing import activate
from pytest_metaflow_backends.lifecycle.starting import Listener, Registry, Starter, shareable

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_metaflow_backends.lifecycle.active import Active
    from pytest_metaflow_backends.matrix.model import Column
    from pytest_metaflow_backends.records import BackendEvent


def ignore(_: BackendEvent) -> None:
    """Listen to nothing."""


def up(
    state_dir: Path,
    column: Column,
    registry: Registry = installed,
    on_event: Listener = ignore,
) -> Active:
    """Start a column so that it stays up, or find that it already is.

    Raises Unavailable, Broken, and UsageError if a living run has the column.
    """
    claims.prepare(state_dir)
    starter = Starter(registry, on_event)
    if column.shares is not None:
        host = up(state_dir, column.shares, registry, on_event)
        return activate(column, starter.load(column), host.running)
    backend = starter.load(column)
    folder = Folder.of(state_dir, column.name)
    with folder.lock(column.start_timeout + LOCK_MARGIN):
        state = _standing(state_dir, column, folder, registry)
        if state is None or shareable(column, state, backend).answer is not Answer.UP:
            _clear(state, column, folder, registry)
            starter.start(column, folder).raise_if_out(column.name)
            state = folder.read()
    if state is None:
        raise Broken(column.name, "it was stopped while it started")
    return activate(column, backend, state.running)


def down(
    state_dir: Path, name: str, registry: Registry = installed, *, force: bool = False
) -> bool:
    """Stop a column, given by `backend` or `backend/variant`; returns whether there was one.

    An unreadable state is cleared away. Raises UsageError if a living run uses the column, unless
    forced; BackendError if it cannot be stopped.
    """
    folder = Folder.of(state_dir, name)
    if not folder.root.is_dir():
        return False
    with folder.lock(STOP_TIMEOUT):
        if not force:
            _refuse_if_used(state_dir, folder)
        try:
            state = folder.read()
        except StateError as error:
            set_aside(folder, error)
            return True
        if state is None:
            return False
        _raise_problem(name, stop_left(state, folder, registry.load))
    return True


def _standing(state_dir: Path, column: Column, folder: Folder, registry: Registry) -> State | None:
    """Find what is up under this name, once leftovers are cleared away."""
    state = folder.read()
    if state is None:
        return None
    if state.phase is Phase.UP and owner_alive(state):
        if state.owner is not None:
            raise claims.taken(
                state_dir, claims.Claim(state.session, state.owner, state.boot, state.started)
            )
        return state
    _raise_problem(column.name, stop_left(state, folder, registry.load))
    return None


def _clear(state: State | None, column: Column, folder: Folder, registry: Registry) -> None:
    """Stop a backend that died or was started with other settings, to start it anew."""
    if state is not None:
        _raise_problem(column.name, stop_left(state, folder, registry.load))


def _raise_problem(column: str, reaped: Reaped) -> None:
    if reaped.problem:
        raise BackendError(f"{column}: not everything of it could be stopped: {reaped.problem}")


def _refuse_if_used(state_dir: Path, folder: Folder) -> None:
    """Raise UsageError if a living run has decided to use this backend."""
    for run in claims.living(state_dir):
        if decision_file(folder, run.session).exists():
            raise UsageError(
                f"{folder.column} is used by a run ({run.who}); wait for it, or stop it all the "
                "same with --force"
            )
