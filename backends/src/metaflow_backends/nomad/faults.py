"""What can happen to a cluster, caused on purpose; each with what mends it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.nomad.agent import Agent
from metaflow_backends.nomad.description import manager
from metaflow_backends.nomad.hub import Hub

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metaflow_backends.nomad.api import Api
    from metaflow_backends.protocol import Running

PREEMPTION = "/operator/scheduler/configuration"
READY = 60.0  # seconds that a node may take to come back
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Faults:
    """Causes faults of one cluster that is up; nodes are named as `details["clients"]` does."""

    running: Running

    @contextmanager
    def without_agent(self, name: str) -> Iterator[None]:
        """Kill an agent, `server` or a client, and start it again in the end."""
        agent = Agent.of(self.running.details, name)
        agent.kill()
        try:
            yield
        finally:
            agent.start()
            self._until_ready()

    @contextmanager
    def cut_off(self, client: str) -> Iterator[None]:
        """Take a client off the network; only with the profile `multi`."""
        hub = Hub.of(Path(self.running.details["home"]))
        hub.cut(client)
        try:
            yield
        finally:
            hub.mend(client)
            self._until_ready()

    @contextmanager
    def drained(self, client: str, seconds: float = -1) -> Iterator[None]:
        """Drain a client within so many seconds, by default at once."""
        path = f"/node/{self._node(client)}/drain"
        deadline = -1 if seconds < 0 else round(seconds * SECOND)
        drain = {"DrainSpec": {"Deadline": deadline}, "MarkEligible": False}
        self._api.put(path, drain)
        try:
            yield
        finally:
            self._api.put(path, {"DrainSpec": None, "MarkEligible": True})

    @contextmanager
    def preemption(self) -> Iterator[None]:
        """Let jobs of higher priority take the place of batch jobs, which is off by default."""
        self._preempt(on=True)
        try:
            yield
        finally:
            self._preempt(on=False)

    def stop_allocation(self, allocation: str) -> None:
        """Stop one allocation, as a person may; Nomad starts another."""
        self._api.put(f"/allocation/{allocation}/stop", {})

    def forget(self, job: str) -> None:
        """Let Nomad forget a job, its allocations and their logs, as its collection does."""
        self._api.delete(f"/job/{job}", purge="true")

    @property
    def _api(self) -> Api:
        return manager(self.running)

    def _node(self, client: str) -> str:
        return next(str(node["ID"]) for node in self._api.get("/nodes") if node["Name"] == client)

    def _preempt(self, *, on: bool) -> None:
        now = self._api.get(PREEMPTION)["SchedulerConfig"]
        wished = {"BatchSchedulerEnabled": on, "SystemSchedulerEnabled": True}
        self._api.put(PREEMPTION, {**now, "PreemptionConfig": wished})

    def _until_ready(self) -> None:
        until = time.monotonic() + READY
        while not self._ready():
            if time.monotonic() > until:
                raise BackendError("a node did not come back; see the logs of the agents")
            time.sleep(0.1)

    def _ready(self) -> bool:
        try:
            nodes = self._api.get("/nodes")
        except BackendError:
            return False
        return bool(nodes) and all(node["Status"] == "ready" for node in nodes)
