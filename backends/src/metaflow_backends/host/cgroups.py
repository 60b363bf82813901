"""Control groups by name, in all controllers of version 1 or the one tree of version 2."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.identity import identify
from metaflow_backends.spawning import end_all

if TYPE_CHECKING:
    from metaflow_backends.protocol import Process

ROOT = Path("/sys/fs/cgroup")


def make(name: str, root: Path = ROOT) -> None:
    """Make a group of this name; one in cpuset gets the processors and memory of its parent."""
    for parent in _trees(root):
        group = parent / name
        group.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (group / setting).is_file() and (parent / setting).is_file():
                (group / setting).write_text((parent / setting).read_text())


def find(name: str, root: Path = ROOT) -> tuple[Path, ...]:
    """List the folders of a group in all trees."""
    return tuple(tree / name for tree in _trees(root) if (tree / name).is_dir())


def members(name: str, root: Path = ROOT) -> tuple[Process, ...]:
    """List the processes in a group and below it."""
    pids: set[int] = set()
    for folder in _folders(name, root):
        with suppress(OSError):  # it has just gone
            pids |= {int(line) for line in (folder / "cgroup.procs").read_text().split()}
    return tuple(found for pid in sorted(pids) if (found := identify(pid)) is not None)


def end(name: str, root: Path = ROOT) -> None:
    """End every process in a group, then remove it; nothing to do if it is not there."""
    end_all(members(name, root), grace=0.0, again=lambda: members(name, root))
    for folder in _folders(name, root):
        with suppress(OSError):  # a process that is just ending; the traces tell
            folder.rmdir()


def _folders(name: str, root: Path) -> list[Path]:
    """List a group's folders in all trees, children before parents; some may go meanwhile."""
    walks = (os.walk(group, topdown=False) for group in find(name, root))
    return [Path(folder) for walk in walks for folder, _, _ in walk]


def _trees(root: Path) -> tuple[Path, ...]:
    """List the folders that groups are made in: the controllers', or the root of version 2."""
    if (root / "cgroup.controllers").is_file():
        return (root,)
    return tuple(
        sorted(p for p in root.iterdir() if (p / "cgroup.procs").is_file() and not p.is_symlink())
    )
