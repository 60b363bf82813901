"""Bring up one server and its clients, and know when they are ready."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from metaflow_backends.errors import BackendError
from metaflow_backends.nomad.api import Api, NomadError
from metaflow_backends.protocol import Health
from metaflow_backends.spawning import wait_healthy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from metaflow_backends.nomad.agent import Agent
    from metaflow_backends.protocol import Process

TAKEN = "address already in use"  # what the log of an agent says


class PortTakenError(BackendError):
    """Another program listens where an agent was to listen."""


@dataclass(frozen=True)
class Nodes:
    """The clients as the server sees them: name -> what the API says of its node."""

    found: Mapping[str, Mapping[str, Any]]

    @classmethod
    def ask(cls, api: Api) -> Nodes:
        """List the newest node of each name: a client that lost its folder is another node."""
        listed = sorted(api.get("/nodes"), key=lambda node: int(node["CreateIndex"]))
        return cls({str(node["Name"]): node for node in listed})

    def health(self, wanted: Collection[str]) -> Health:
        """Say whether all wanted clients are ready, and of the others what they are."""
        states = {name: self.found.get(name, {}).get("Status", "unknown") for name in wanted}
        bad = [f"{name} is {state}" for name, state in states.items() if state != "ready"]
        return Health(alive=not bad, reason=", ".join(bad))

    def drivers(self, name: str) -> tuple[str, ...]:
        """Name the drivers that work on a client."""
        told = self.found[name].get("Drivers") or {}
        return tuple(sorted(driver for driver, info in told.items() if info.get("Healthy")))


def start_server(agent: Agent, api: Api, timeout: float) -> Process:
    """Start the server and wait until it can take clients.

    A client that registers before the first key of the keyring exists is turned away and tries
    again only 15 to 30 seconds later; so the key is waited for, which takes under two seconds.
    """
    process = agent.start()
    _wait(agent, process, partial(_has_key, api), timeout)
    return process


def start_clients(agents: Sequence[Agent], manager: Api, timeout: float) -> tuple[Process, ...]:
    """Start clients side by side and wait until the server counts on each."""
    processes = tuple(agent.start() for agent in agents)
    for agent, process in zip(agents, processes, strict=True):
        _wait(agent, process, partial(nodes_health, manager, [agent.name]), timeout)
    return processes


def nodes_health(api: Api, wanted: Collection[str]) -> Health:
    """Ask the server whether these clients are ready."""
    try:
        return Nodes.ask(api).health(wanted)
    except NomadError as error:
        return Health(alive=False, reason=str(error))


def _has_key(api: Api) -> Health:
    try:
        keys = api.ask("GET", "/.well-known/jwks.json").json()["keys"]
    except NomadError as error:
        return Health(alive=False, reason=str(error))
    return Health(alive=bool(keys), reason="its keyring has no key yet")


def _wait(agent: Agent, process: Process, check: Callable[[], Health], timeout: float) -> None:
    try:
        wait_healthy(check, timeout, agent.log, process)
    except BackendError as error:
        if TAKEN in str(error):
            raise PortTakenError(f"{agent.name}: a port is taken: {_line(str(error))}") from error
        raise BackendError(f"{agent.name}: {error}") from error


def _line(text: str) -> str:
    return next(line.strip() for line in text.splitlines() if TAKEN in line)
