"""One agent: a process that can be started, killed and started again with the same folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends.host import private
from metaflow_backends.identity import is_running
from metaflow_backends.ownership import VARIABLE, Ownership
from metaflow_backends.protocol import Process
from metaflow_backends.spawning import end_all, spawn

if TYPE_CHECKING:
    from collections.abc import Mapping

# Tasks of raw_exec and exec see the environment of their agent, so it must hold nothing of the
# user's: neither keys nor proxies. AWS_CA_BUNDLE alone would end the agent.
SAFE_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Agent:
    """A server or client of one start; `running.details["agents"]` lists them by name."""

    name: str
    home: Path
    address: str  # of its HTTP API
    argv: tuple[str, ...]  # with whatever enters its network namespace in front

    @classmethod
    def of(cls, details: Mapping[str, Any], name: str) -> Agent:
        """Find an agent in the details of a running backend, in any process."""
        said = details["agents"][name]
        return cls(name, Path(said["home"]), said["address"], tuple(said["argv"]))

    def described(self) -> dict[str, Any]:
        """Give what `of` reads, as JSON."""
        return {"home": str(self.home), "address": self.address, "argv": list(self.argv)}

    @property
    def log(self) -> Path:
        return self.home / "logs" / f"{self.name}.log"

    @property
    def data(self) -> Path:
        return self.home / "nomad" / self.name

    @property
    def configuration(self) -> Path:
        return self.home / "nomad" / f"{self.name}.json"

    def configure(self, content: Mapping[str, Any]) -> None:
        """Write its configuration, readable by us alone."""
        self.data.mkdir(parents=True, exist_ok=True)
        private.write(self.configuration, json.dumps(content, indent=1).encode())

    def start(self) -> Process:
        """Start it; its tasks of an earlier life that still run are taken over."""
        owner = Ownership.of(self.home)
        clean = ["env", "-i", f"PATH={SAFE_PATH}", f"{VARIABLE}={owner.tag}"]
        process = spawn([*clean, *self.argv], log=self.log, env={}, owner=owner)
        self._note.write_text(json.dumps([process.pid, process.ticks]), encoding="ascii")
        return process

    def process(self) -> Process | None:
        """Find its process; None if it does not run."""
        try:
            pid, ticks = json.loads(self._note.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        process = Process(pid=pid, created=0.0, ticks=ticks)
        return process if is_running(process) else None

    def kill(self) -> None:
        """End the agent with SIGKILL, and only it: its tasks go on."""
        if process := self.process():
            end_all([process], grace=0.0)

    @property
    def _note(self) -> Path:
        return self.home / "nomad" / f"{self.name}.pid"
