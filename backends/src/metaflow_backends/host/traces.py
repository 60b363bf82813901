"""What is on this machine that a backend could leave behind, counted before and after.

Its processes are found by their mark: `Ownership.tagged`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, fields
from pathlib import Path

from metaflow_backends.errors import BackendError
from metaflow_backends.host.commands import run
from metaflow_backends.host.ground import NAMESPACES, RUN

TIMEOUT = 30.0  # seconds for one listing
# Kernels make and drop these by themselves.
PASSING = re.compile(r"/(?:user|system)\.slice/")


@dataclass(frozen=True)
class Traces:
    """Names of what is there; `after - before` is what was left."""

    namespaces: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()
    mounts: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()  # of iptables, in the machine's own namespace
    folders: frozenset[str] = frozenset()  # in /run

    @classmethod
    def now(cls) -> Traces:
        return cls(
            namespaces=_names(NAMESPACES),
            links=_names(Path("/sys/class/net")),
            mounts=_mounts(),
            groups=_groups(Path("/sys/fs/cgroup")),
            rules=_rules(),
            folders=frozenset(n for n in _names(RUN) if not n.endswith(".lock")),
        )

    @classmethod
    def none(cls) -> Traces:
        return cls()

    def __sub__(self, before: Traces) -> Traces:
        return Traces(
            **{f.name: getattr(self, f.name) - getattr(before, f.name) for f in fields(self)}
        )

    def count(self) -> int:
        return sum(len(getattr(self, field.name)) for field in fields(self))


def _names(folder: Path) -> frozenset[str]:
    return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()


def _mounts() -> frozenset[str]:
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[4] for line in lines)


def _groups(root: Path) -> frozenset[str]:
    walked = (folder for folder, _, _ in os.walk(root))
    return frozenset(folder for folder in walked if not PASSING.search(folder))


def _rules() -> frozenset[str]:
    tables = ("filter", "nat", "mangle")
    return frozenset(rule for table in tables for rule in _table(table))


def _table(name: str) -> list[str]:
    try:
        return run(["iptables", "-t", name, "-S"], timeout=TIMEOUT).splitlines()
    except BackendError:  # none is installed, or the kernel has no such table
        return []
