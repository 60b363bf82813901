"""Take down whatever a start has left, however far it had come, without asking any agent."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.host import mounts
from metaflow_backends.nomad import remains
from metaflow_backends.ownership import Ownership
from metaflow_backends.spawning import end_all

if TYPE_CHECKING:
    from pathlib import Path


def end_agents(home: Path) -> None:
    """End agents first: a client that lives on would start again what is ended under it."""
    owner = Ownership.of(home)
    end_all(remains.agents_of(owner), grace=0.0, again=lambda: remains.agents_of(owner))


def end_tasks(home: Path) -> None:
    """End what the tasks of this start still run, with their control groups."""
    owner = Ownership.of(home)
    remains.empty(remains.allocations(home))
    end_all(owner.tagged(), grace=0.0, again=owner.tagged)
    remains.empty(remains.allocations(home))
    remains.remove_parents()


def clear(home: Path) -> None:
    """Unmount what is mounted below the home, keep the logs of allocations, delete the rest.

    Raises BackendError, and deletes nothing, while something is mounted: a chroot may hold the
    machine's own folders.
    """
    if left := mounts.unmount_below(home):
        raise BackendError(
            f"{left[0]} is still mounted; find who uses it with `fuser -m {left[0]}`"
        )
    for logs in home.glob("nomad/*/alloc/*/alloc/logs"):
        _keep(logs, home / "logs" / "allocations" / logs.parents[1].name)
    shutil.rmtree(home / "nomad", ignore_errors=True)


def _keep(logs: Path, kept: Path) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    for log in logs.iterdir():
        if log.is_file():  # the others are the pipes that Nomad reads
            log.replace(kept / log.name)
