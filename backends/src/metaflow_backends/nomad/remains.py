"""What a start leaves on the machine, found without any agent that could be asked.

All of it follows from the home folder: the allocations are the folders below the clients' data,
and groups, containers and mounts carry the id of their allocation or lie below it. Nomad's own
`cgroup_parent` is parsed and not used (1.11.2), so all agents of a machine share `/nomad`.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.identity import PROC, identify
from metaflow_backends.spawning import end_all

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from metaflow_backends.ownership import Ownership
    from metaflow_backends.protocol import Process

GROUPS = Path("/sys/fs/cgroup")
# Version 1 has a tree per controller, and one level more for cpuset; version 2 has scopes.
PATTERNS = ("*/nomad/*", "*/nomad/*/*", "nomad.slice/*", "nomad.slice/*/*")
ALLOCATION = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def allocations(home: Path) -> frozenset[str]:
    """Name the allocations that clients of this start have on disk."""
    found = (path.name for path in home.glob("nomad/*/alloc/*"))
    return frozenset(name for name in found if ALLOCATION.fullmatch(name))


def groups(ids: Collection[str], root: Path = GROUPS) -> tuple[Path, ...]:
    """List the control groups of these allocations, children before parents."""
    found = {path for pattern in PATTERNS for path in root.glob(pattern)}
    ours = (path for path in found if path.is_dir() and path.name[:36] in ids)
    return tuple(sorted(ours, key=lambda path: -len(path.parts)))


def members(group: Path) -> tuple[Process, ...]:
    """List the processes in a group and below it."""
    processes = []
    for folder in _folders(group):
        with suppress(OSError):
            listed = (folder / "cgroup.procs").read_text().split()
            processes += [identify(int(line)) for line in listed]
    return tuple(process for process in processes if process is not None)


def empty(ids: Collection[str], root: Path = GROUPS) -> None:
    """End every process in the groups of these allocations, and remove the groups."""
    found = groups(ids, root)
    end_all(
        [process for group in found for process in members(group)],
        grace=0.0,
        again=lambda: [process for group in found for process in members(group)],
    )
    for group in found:
        remove_group(group)


def remove_group(group: Path) -> None:
    """Remove an empty group with its children; what still has a process stays."""
    for folder in _folders(group):
        with suppress(OSError):
            folder.rmdir()


def _folders(group: Path) -> list[Path]:
    """List a group and those below it, children before parents; some may go meanwhile."""
    return [Path(folder) for folder, _, _ in os.walk(group, topdown=False)]


def remove_parents(root: Path = GROUPS) -> None:
    """Remove what all agents share, once no other client of this machine can need it."""
    parents = [*root.glob("*/nomad"), *root.glob("nomad.slice")]
    for parent in parents if not agents_of_anybody() else ():
        for child in ("share", "reserve", "share.slice", "reserve.slice"):
            with suppress(OSError):
                (parent / child).rmdir()
        with suppress(OSError):
            parent.rmdir()


def agents_of(owner: Ownership) -> tuple[Process, ...]:
    """Find the agents of this start and their helpers (executors, loggers) by what they run."""
    return tuple(process for process in owner.tagged() if _is_nomad(process.pid))


def agents_of_anybody() -> bool:
    """Tell whether any Nomad runs on this machine."""
    return any(_is_nomad(int(path.name)) for path in PROC.iterdir() if path.name.isdigit())


def _is_nomad(pid: int) -> bool:
    """Look at the program file, which may have been replaced since ("nomad (deleted)")."""
    try:
        return (PROC / str(pid) / "exe").readlink().name.split()[0] == "nomad"
    except (OSError, IndexError):
        return False


def container_ids(listing: str, ids: Iterable[str]) -> tuple[str, ...]:
    """Pick our containers out of the lines `container allocation` of `docker ps`."""
    pairs = (line.partition(" ") for line in listing.splitlines())
    wanted = frozenset(ids)
    return tuple(container for container, _, allocation in pairs if allocation in wanted)
