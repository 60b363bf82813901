"""Where the processes of a backend run: on the machine as it is, or in namespaces of their own.

A network namespace keeps the rules and bridges of a container engine apart from the machine's own
and from those of other checkouts. It is entered with `nsenter --net`: `ip netns exec` would mount
another /sys and hide the control groups.
"""

from __future__ import annotations

import ipaddress
import json
import shutil
import zlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from metaflow_backends.errors import BackendError
from metaflow_backends.host import mounts
from metaflow_backends.host.commands import run

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN = Path("/run/metaflow-extras")  # short: the path of a unix socket has at most 107 bytes
NAMESPACES = Path("/run/netns")
# Every ground takes 4 addresses of the first of these that is not in use as a whole: a company may
# have all of 10.0.0.0/8. The second is for tests of networks (RFC 2544), and nobody routes it.
NETWORKS = (ipaddress.IPv4Network("10.200.0.0/13"), ipaddress.IPv4Network("198.18.0.0/15"))
TIMEOUT = 30.0  # seconds for one `ip`
# A mount namespace whose mounts its children see: kubelet mounts for containerd.
_OWN_MOUNTS = ("unshare", "--mount", "--propagation", "private", "--")
_SHARED = ("sh", "-c", 'mount --make-rshared / && exec "$@"', "sh")


@dataclass(frozen=True)
class Ground:
    """A network namespace with one link to the machine; all names follow from a tag."""

    tag: str

    @property
    def name(self) -> str:
        """Name the namespace, and the control group and folder of what runs in it."""
        return f"mx-{self.tag[:10]}"

    @property
    def folder(self) -> Path:
        """Name a folder for sockets and pid files."""
        return RUN / self.name

    @property
    def link(self) -> str:
        """Name the machine's end of the link; an interface's name has at most 15 bytes."""
        return f"mxh{self.tag[:10]}"

    @property
    def inner_link(self) -> str:
        return f"mxn{self.tag[:10]}"

    @property
    def address(self) -> str:
        """Give the address of this ground, as the machine reaches it; BackendError if not made."""
        return str(self._subnet()[2])

    @property
    def gateway(self) -> str:
        """Give the address of the machine, as this ground reaches it."""
        return str(self._subnet()[1])

    def make(self) -> None:
        """Make the namespace and its link; what is whole already is kept, a half is made anew.

        Raises BackendError if this machine does not allow it.
        """
        RUN.mkdir(parents=True, exist_ok=True)
        with FileLock(RUN / "network.lock", timeout=TIMEOUT):
            if (NAMESPACES / self.name).exists():
                if self.folder.exists():  # made last
                    return
                self.remove()
            self._build(free_subnet(self.tag, taken()))

    def _build(self, subnet: ipaddress.IPv4Network) -> None:
        """Make it whole, under the lock: another starter would take a half for a killed one's."""
        _ip("netns", "add", self.name)
        _ip("link", "add", self.link, "type", "veth", "peer", "name", self.inner_link)
        _ip("link", "set", self.inner_link, "netns", self.name)
        _ip("addr", "add", f"{subnet[1]}/30", "dev", self.link)
        _ip("link", "set", self.link, "up")
        inside = ("-n", self.name)
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "addr", "add", f"{subnet[2]}/30", "dev", self.inner_link)
        _ip(*inside, "link", "set", self.inner_link, "up")
        _ip(*inside, "route", "add", "default", "via", str(subnet[1]))
        run(self.enter(["sysctl", "-qw", "net.ipv4.ip_forward=1"]), timeout=TIMEOUT)
        self.folder.mkdir(exist_ok=True)

    def enter(self, argv: Sequence[str], *, own_mounts: bool = False) -> list[str]:
        """Give the command that runs another one in here."""
        inner = [*_OWN_MOUNTS, *_SHARED, *argv] if own_mounts else list(argv)
        return enter(self.name, inner)

    def remove(self) -> None:
        """Remove namespace, link and folder, also if they were only half made."""
        mounts.unmount_below(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(BackendError):  # it goes with the namespace, unless that was never made
            _ip("link", "del", self.link)
        if (NAMESPACES / self.name).exists():
            _ip("netns", "del", self.name)
        with suppress(OSError):
            NAMESPACES.joinpath(self.name).unlink()

    def _subnet(self) -> ipaddress.IPv4Network:
        found = [interface for name, interface in addresses() if name == self.link]
        if not found:
            raise BackendError(f"the network namespace {self.name} has no link to this machine")
        return found[0].network


def enter(namespace: str, argv: Sequence[str]) -> list[str]:
    """Give the command that runs another one in a network namespace."""
    return ["nsenter", f"--net={NAMESPACES / namespace}", "--", *argv]


def addresses() -> tuple[tuple[str, ipaddress.IPv4Interface], ...]:
    """List the interfaces of this machine with their IPv4 addresses."""
    told = json.loads(_ip("-j", "-4", "addr", "show"))
    return tuple(
        (one["ifname"], ipaddress.IPv4Interface(f"{info['local']}/{info['prefixlen']}"))
        for one in told
        for info in one.get("addr_info", ())
    )


def taken() -> tuple[ipaddress.IPv4Network, ...]:
    """List the networks that this machine has addresses in."""
    return tuple(interface.network for _, interface in addresses())


def free_subnet(tag: str, used: Sequence[ipaddress.IPv4Network]) -> ipaddress.IPv4Network:
    """Choose four addresses that overlap with none in use; the tag says where to look first.

    Raises BackendError if all are taken.
    """
    first = zlib.crc32(tag.encode())
    for network in NETWORKS:
        if any(network.subnet_of(other) for other in used):
            continue
        count = network.num_addresses // 4
        for step in range(count):
            start = network.network_address + 4 * ((first + step) % count)
            subnet = ipaddress.IPv4Network((start, 30))
            if not any(subnet.overlaps(other) for other in used):
                return subnet
    named = " and ".join(map(str, NETWORKS))
    raise BackendError(f"every address of {named} is taken; remove old namespaces (ip netns)")


def _ip(*arguments: str) -> str:
    return run(["ip", *arguments], timeout=TIMEOUT)
