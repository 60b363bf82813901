"""A ground with mounts of its own, which all programs of one cluster share.

A process that only sleeps holds the mounts: kubelet mounts volumes for containerd, so both must
be in one namespace. When the last process of it has ended, the kernel takes back every mount.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends.errors import BackendError
from metaflow_backends.host import clean
from metaflow_backends.host.commands import run
from metaflow_backends.host.ground import Ground
from metaflow_backends.identity import is_running
from metaflow_backends.protocol import Process
from metaflow_backends.spawning import spawn, tail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaflow_backends.ownership import Ownership

STEP = 20.0  # seconds
# Folders with fixed names that all clusters of a machine would share.
PRIVATE = (
    "/run/netns", "/run/containerd", "/var/lib/cni", "/var/lib/kubelet", "/var/log/containers",
)  # fmt: skip


@dataclass(frozen=True)
class Enclosure:
    """A ground, and the process that holds the mounts."""

    ground: Ground
    holder: Process

    @classmethod
    def make(cls, owner: Ownership, log: Path, memory: Sequence[Path] = ()) -> Enclosure:
        """Make both; the folders of `memory` are there alone, and gone with the last program.

        Raises BackendError if this machine does not allow it.
        """
        ground = Ground(owner.tag)
        ground.make()
        sleep = ["unshare", "--mount", "--propagation", "private", "sleep", "infinity"]
        holder = spawn(ground.enter(sleep), log=log, env=clean.environment(), owner=owner)
        _await_mounts(holder, log)
        made = cls(ground, holder)
        made.run(["sh", "-ec", _script(memory)])
        return made

    @classmethod
    def of(cls, details: Mapping[str, Any]) -> Enclosure:
        """Read what `described` gave; entering it fails once its holder has ended."""
        return cls(Ground(details["tag"]), Process(**details["holder"]))

    def described(self) -> dict[str, Any]:
        """Give what `of` reads, as JSON."""
        held = {"pid": self.holder.pid, "created": self.holder.created, "ticks": self.holder.ticks}
        return {"tag": self.ground.tag, "holder": held}

    def enter(self, argv: Sequence[str]) -> list[str]:
        """Give the command that runs another one in here."""
        if not is_running(self.holder):
            raise BackendError(
                f"process {self.holder.pid}, which held the mounts, is gone; start anew"
            )
        return ["nsenter", f"--target={self.holder.pid}", "--net", "--mount", "--", *argv]

    def run(self, argv: Sequence[str], timeout: float = STEP) -> str:
        """Run a program to its end; returns its output. Raises BackendError if it fails."""
        return run(self.enter(argv), timeout=timeout, env=clean.whole())

    def spawn(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        owner: Ownership,
        env: Mapping[str, str] | None = None,
    ) -> Process:
        """Start a daemon, with nothing of the caller's settings."""
        return spawn(self.enter(argv), log=log, env=clean.environment(env), owner=owner)


def _script(memory: Sequence[Path]) -> str:
    """Let mounts spread among our own programs, and give them empty folders of their own.

    Our copies of other grounds' names go first: they would keep those alive after their end.
    """
    forget = "for name in /run/netns/*; do umount -l $name 2>/dev/null || :; done"
    hide = [
        f"mkdir -p {path}; mount -t tmpfs -o mode=0755 tmpfs {path}" for path in (*PRIVATE, *memory)
    ]
    return "\n".join(["mount --make-rshared /", forget, *hide])


def _await_mounts(holder: Process, log: Path) -> None:
    """Wait until the holder has left our namespace: until then, we would enter our own."""
    ours = Path("/proc/self/ns/mnt").readlink()
    deadline = time.monotonic() + STEP
    while is_running(holder) and time.monotonic() < deadline:
        proc = Path("/proc") / str(holder.pid)
        if _program(proc) == "sleep" and (proc / "ns" / "mnt").readlink() != ours:
            return
        time.sleep(0.005)
    raise BackendError(f"no namespace for mounts could be made; {tail(log)}")


def _program(proc: Path) -> str:
    return (proc / "comm").read_text(encoding="ascii").strip()
