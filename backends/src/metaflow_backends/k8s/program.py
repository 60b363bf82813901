"""One program of an embedded cluster: a process that can be killed and started again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends import toolchain
from metaflow_backends.errors import BackendError
from metaflow_backends.k8s.daemons import Layout, arguments
from metaflow_backends.k8s.enclosure import Enclosure
from metaflow_backends.ownership import Ownership
from metaflow_backends.spawning import end_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metaflow_backends.protocol import Process, Running

OF_DEBIAN = ("containerd",)


@dataclass(frozen=True)
class Program:
    """A program of one start, in that start's namespaces."""

    name: str
    layout: Layout
    enclosure: Enclosure

    @classmethod
    def of(cls, running: Running, name: str) -> Program:
        """Find a program of a running backend, in any process; its provider must be `embedded`."""
        enclosure = Enclosure.of(running.details["enclosure"])
        return cls(name, Layout.of(enclosure.ground, Path(running.details["home"])), enclosure)

    @property
    def log(self) -> Path:
        return self.layout.logs / f"{self.name}.log"

    def start(self) -> Process:
        """Start it; raises BackendError if there is no such program on this machine."""
        argv = [self._path(), *arguments(self.name, self.layout)]
        return self.enclosure.spawn(argv, log=self.log, owner=self._owner)

    def processes(self) -> tuple[Process, ...]:
        """Find its processes, none if it does not run; those that it has started are not meant."""
        return tuple(self._found())

    def kill(self) -> None:
        """End it with SIGKILL, and only it: what it looks after goes on."""
        end_all(self.processes(), grace=0.0)

    @property
    def _owner(self) -> Ownership:
        return Ownership.of(self.layout.home)

    def _found(self) -> Iterator[Process]:
        for process in self._owner.tagged():
            try:
                command = (Path("/proc") / str(process.pid) / "cmdline").read_bytes()
            except OSError:  # it has just ended
                continue
            if Path(command.split(b"\0")[0].decode(errors="replace")).name == self.name:
                yield process

    def _path(self) -> str:
        if self.name not in OF_DEBIAN:
            return str(toolchain.ensure(self.name).path)
        path = shutil.which(self.name)
        if path is None:
            raise BackendError(
                f"there is no program {self.name} on PATH: apt-get install {self.name}"
            )
        return path
