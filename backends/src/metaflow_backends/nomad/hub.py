"""A network for several clients: each in a namespace of its own, all linked to that of the server.

The server's namespace is linked to the machine; it holds a bridge, and forwards. So the machine
reaches every agent, agents reach each other and the machine, and the link of one client can be cut
without touching the others or the machine's own rules.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.host import ground
from metaflow_backends.host.commands import run
from metaflow_backends.host.ground import Ground
from metaflow_backends.nomad.layout import PORTS, SERVER, Spot
from metaflow_backends.ownership import Ownership

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PACKAGES = ("iproute2", "util-linux")
# 16 addresses for every 4 of a ground, in the order of its networks; the second is a carrier's own
# (RFC 6598).
NETWORKS = (ipaddress.IPv4Network("10.224.0.0/11"), ipaddress.IPv4Network("100.64.0.0/13"))
SIZE = 16
BRIDGE = "hub"
INSIDE = "eth0"  # a client's end of its link
TIMEOUT = 30.0  # seconds for one `ip`


@dataclass(frozen=True)
class Hub:
    """The namespaces of one start; all names follow from its home folder."""

    ground: Ground

    @classmethod
    def of(cls, home: Path) -> Hub:
        """Name them, whether they exist or not; a Docker daemon of the same start has others."""
        return cls(Ground(f"h{Ownership.of(home).tag}"))

    @property
    def gateway(self) -> str:
        """Give an address of the machine that all agents and their tasks reach."""
        return self.ground.gateway

    def make(self, names: Sequence[str]) -> None:
        """Make the namespaces and links; raises BackendError if the machine does not allow it."""
        self.ground.make()
        network = self._network()
        _ip("route", "replace", str(network), "via", self.ground.address)
        server = ("-n", self.ground.name)
        _ip(*server, "link", "add", BRIDGE, "type", "bridge")
        _ip(*server, "addr", "add", f"{network[1]}/{network.prefixlen}", "dev", BRIDGE)
        _ip(*server, "link", "set", BRIDGE, "up")
        for name, address in zip(names, self._addresses(network), strict=False):
            self._link(name, f"{address}/{network.prefixlen}", str(network[1]))

    def spots(self, names: Sequence[str], port: int | None) -> tuple[Spot, ...]:
        """Give the server, then each client, its place; all on Nomad's usual ports."""
        ports = (port or PORTS[0], *PORTS[1:])
        server = Spot(SERVER, self.ground.address, ports, self.ground.enter, self.ground.inner_link)
        found = zip(names, self._addresses(self._network()), strict=False)
        clients = [
            Spot(n, a, PORTS, partial(ground.enter, self._space(n)), INSIDE) for n, a in found
        ]
        return (server, *clients)

    def cut(self, name: str) -> None:
        """Take a client off the network; it and its tasks run on, and nobody hears of them."""
        _ip("-n", self.ground.name, "link", "set", _outer(name), "down")

    def mend(self, name: str) -> None:
        """Put a client back on the network."""
        _ip("-n", self.ground.name, "link", "set", _outer(name), "up")

    def remove(self) -> None:
        """Remove all of it, also if it was only half made."""
        for space in ground.NAMESPACES.glob(f"{self.ground.name}-*"):
            _ip("netns", "del", space.name)
        self.ground.remove()

    def _space(self, name: str) -> str:
        return f"{self.ground.name}-{name}"

    def _link(self, name: str, address: str, gateway: str) -> None:
        space, outer = self._space(name), _outer(name)
        _ip("netns", "add", space)
        server = ("-n", self.ground.name)
        peer = ("peer", "name", INSIDE, "netns", space)
        _ip(*server, "link", "add", outer, "type", "veth", *peer)
        _ip(*server, "link", "set", outer, "master", BRIDGE, "up")
        client = ("-n", space)
        _ip(*client, "link", "set", "lo", "up")
        _ip(*client, "addr", "add", address, "dev", INSIDE)
        _ip(*client, "link", "set", INSIDE, "up")
        _ip(*client, "route", "add", "default", "via", gateway)

    def _network(self) -> ipaddress.IPv4Network:
        """Give the addresses that belong to those of our ground. BackendError if one is in use."""
        found = network_of(ipaddress.IPv4Address(self.ground.address))
        if any(found.overlaps(used) for used in ground.taken()):
            raise BackendError(f"the network {found} is in use on this machine; start again")
        return found

    @staticmethod
    def _addresses(network: ipaddress.IPv4Network) -> list[str]:
        return [str(address) for address in network.hosts()][1:]  # the first is the bridge's


def network_of(address: ipaddress.IPv4Address) -> ipaddress.IPv4Network:
    """Give the network of a hub whose ground has this address."""
    ours, theirs = next(
        (mine, other)
        for mine, other in zip(NETWORKS, ground.NETWORKS, strict=True)
        if address in other
    )
    number = (int(address) - int(theirs.network_address)) // 4
    return ipaddress.IPv4Network((int(ours.network_address) + number * SIZE, 28))


def _outer(name: str) -> str:
    """Name the hub's end of a client's link, e.g. to-client-1."""
    return f"to-{name}"[:15]


def _ip(*arguments: str) -> str:
    return run(["ip", *arguments], timeout=TIMEOUT)
