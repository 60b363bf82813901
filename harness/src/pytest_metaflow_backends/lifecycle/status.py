"""What is up below a state folder, for people and for `--json`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psutil
from metaflow_backends import registry as installed
from metaflow_backends.errors import BackendError
from metaflow_backends.launch import leftovers_of
from metaflow_backends.protocol import Health
from metaflow_backends.state import Phase, StateError, folders, owner_alive

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from metaflow_backends.protocol import Process
    from metaflow_backends.state import Folder, State

    from pytest_metaflow_backends.lifecycle.starting import Registry


@dataclass(frozen=True)
class Status:
    """One column that something was started for."""

    column: str
    kind: str = ""
    phase: str = ""  # starting | up | stopping | unreadable
    health: Health = field(default_factory=lambda: Health(alive=False))
    owner: str = ""  # who answers for it
    age: float = 0.0  # seconds since the start
    memory: int = 0  # bytes resident, all processes together
    processes: tuple[int, ...] = ()  # pids
    endpoints: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    provider: str = ""
    logs: str = ""  # a folder


def status(state_dir: Path, registry: Registry = installed) -> list[Status]:
    """Look at every column that is up, starts, or was left; changes nothing and takes no lock."""
    found = (_status(folder, registry) for folder in folders(state_dir))
    return [item for item in found if item is not None]


def _status(folder: Folder, registry: Registry) -> Status | None:
    try:
        state = folder.read()
    except StateError as error:
        reason = f"{error}; `mf-backends down {folder.column}` clears it away"
        return Status(
            column=folder.column, phase="unreadable", health=Health(alive=False, reason=reason)
        )
    return None if state is None else _describe(state, folder, registry)


def _describe(state: State, folder: Folder, registry: Registry) -> Status:
    processes = leftovers_of(state, folder)
    running = state.running
    return Status(
        column=state.column,
        kind=state.kind,
        phase=state.phase.value,
        health=_health(state, registry),
        owner=_owner(state),
        age=state.age(time.time()),
        memory=_memory(processes),
        processes=tuple(sorted(process.pid for process in processes)),
        endpoints=dict(running.endpoints),
        versions=dict(running.versions),
        provider=running.provider,
        logs=running.logs,
    )


def _health(state: State, registry: Registry) -> Health:
    if state.phase is not Phase.UP:
        return Health(alive=False, reason=f"it is {state.phase.value}")
    try:
        return registry.load(state.kind).health(state.running)
    except BackendError as error:
        return Health(alive=False, reason=str(error))


def _owner(state: State) -> str:
    if state.owner is None:
        return "started by hand"
    alive = "" if owner_alive(state) else " (gone: the next run reaps it)"
    return f"run {state.session}, process {state.owner.pid}{alive}"


def _memory(processes: Iterable[Process]) -> int:
    return sum(_resident(process.pid) for process in processes)


def _resident(pid: int) -> int:
    """Read a process's resident memory; one that ends meanwhile has none."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
