"""Where each agent of a start runs and listens, and what its configuration says."""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.host.ports import free_ports
from metaflow_backends.nomad import configuration
from metaflow_backends.nomad.agent import Agent
from metaflow_backends.nomad.configuration import Drivers, Place, Security

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

LOOPBACK = "127.0.0.1"
SERVER = "server"
PORTS = (4646, 4647, 4648)  # in a network namespace of its own, Nomad's usual ones


@dataclass(frozen=True)
class Spot:
    """One place for an agent: an address, three ports, and how to get a program to run there."""

    name: str
    address: str
    ports: tuple[int, int, int]  # HTTP, RPC, gossip
    enter: Callable[[Sequence[str]], list[str]] = list
    interface: str = "lo"  # with that address


@dataclass(frozen=True)
class Layout:
    """All agents of a start."""

    home: Path
    binary: Path
    server: Spot
    clients: tuple[Spot, ...]
    scheme: str = "http"

    @property
    def server_agent(self) -> Agent:
        return self._agent(self.server)

    @property
    def client_agents(self) -> tuple[Agent, ...]:
        return tuple(self._agent(spot) for spot in self.clients)

    def configure(self, security: Security, drivers: Drivers) -> None:
        """Write the configuration of every agent."""
        place, clients = self._place(self.server), len(self.clients)
        self.server_agent.configure(configuration.server(place, security, clients=clients))
        servers = [f"{self.server.address}:{self.server.ports[1]}"]
        for spot in self.clients:
            here = replace(drivers, interface=spot.interface)
            content = configuration.client(self._place(spot), security, here, servers)
            self._agent(spot).configure(content)

    def _agent(self, spot: Spot) -> Agent:
        file = str(self.home / "nomad" / f"{spot.name}.json")
        argv = spot.enter([str(self.binary), "agent", f"-config={file}"])
        return Agent(
            name=spot.name,
            home=self.home,
            address=f"{self.scheme}://{spot.address}:{spot.ports[0]}",
            argv=tuple(argv),
        )

    def _place(self, spot: Spot) -> Place:
        data = self._agent(spot).data
        return Place(spot.name, data, spot.address, *spot.ports)


def on_loopback(names: Sequence[str], port: int | None) -> tuple[Spot, ...]:
    """Give the server, then each client, ports of this machine that nobody uses now.

    Raises BackendError if the port that was asked for is taken.
    """
    if port is not None:
        _refuse_taken(port)
    free = iter(free_ports(LOOPBACK, 3 * (len(names) + 1)))
    spots = [Spot(name, LOOPBACK, (next(free), next(free), next(free))) for name in names]
    http = port or next(free)
    return (Spot(SERVER, LOOPBACK, (http, next(free), next(free))), *spots)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise BackendError(
                f"port {port} is taken by another program; end it, or leave out the option `port`"
            ) from error
