"""The configuration of each agent, as the JSON that `nomad agent -config` reads.

Nested blocks are lists of one object: Nomad's JSON goes through HCL 1, which takes a bare object
inside a plugin's `config` for an unknown key. Facts: docs/backends/nomad.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

REGION = "global"
DATACENTER = "dc1"
# Asking a cloud's metadata service or a Consul that is not there costs seconds per start; the
# one of AWS ends the agent if AWS_CA_BUNDLE is set.
DENIED_FINGERPRINTS = "env_aws,env_gce,env_azure,env_digitalocean,consul,vault"
HEARTBEAT = "2s"  # a dead client is noticed within 5 s; with Nomad's default it takes 20 s
# An only client that is started again takes up its ended allocations before its first heartbeat,
# seconds for some hundreds. Held for lost meanwhile, it would lose its running tasks, too.
GRACE_OF_ONE = "10s"


@dataclass(frozen=True)
class Place:
    """Where an agent listens, and where it keeps what it knows."""

    name: str
    data: Path
    address: str
    http: int
    rpc: int
    serf: int


@dataclass(frozen=True)
class Security:
    """Whether requests need tokens, and the certificate files if they need one."""

    acl: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True)
class Gpus:
    """GPUs that are not there, and the folder of the plugin that tells of them."""

    count: int
    folder: Path


@dataclass(frozen=True)
class Drivers:
    """What a client needs to know to run tasks."""

    docker: str = ""  # address of the daemon; empty: no docker driver
    # What tasks of the exec driver see, one laid over the other; none: Nomad's slow default.
    chroot: Sequence[Path] = ()
    interface: str = "lo"
    gpus: Gpus | None = None


def server(place: Place, security: Security, *, clients: int = 1) -> dict[str, Any]:
    """Configure the one server; `raft_multiplier` 1 halves the time of the first election."""
    return {
        **_common(place, security),
        "server": {
            "enabled": True,
            "bootstrap_expect": 1,
            "raft_multiplier": 1,
            "heartbeat_grace": HEARTBEAT if clients > 1 else GRACE_OF_ONE,
            "min_heartbeat_ttl": HEARTBEAT,
            "max_heartbeats_per_second": 50,
        },
    }


def client(
    place: Place, security: Security, drivers: Drivers, servers: Sequence[str]
) -> dict[str, Any]:
    """Configure a client of the servers at `host:port`.

    Logs of finished tasks stay readable: `gc_max_allocs` is 50 by default, and a fan-out of 100
    would lose the logs of its first half within seconds.
    """
    chroot = {"chroot_env": {str(path): "/" for path in drivers.chroot}} if drivers.chroot else {}
    return {
        **_common(place, security),
        "client": {
            "enabled": True,
            "servers": list(servers),
            "network_interface": drivers.interface,
            "gc_max_allocs": 1000,
            "options": _client_options(drivers),
            **chroot,
        },
        "plugin": _plugins(drivers),
        **({"plugin_dir": str(drivers.gpus.folder)} if drivers.gpus else {}),
    }


def _common(place: Place, security: Security) -> dict[str, Any]:
    """Configure what servers and clients share.

    Without `advertise` an agent refuses a loopback `bind_addr`.
    """
    said = dict.fromkeys(("http", "rpc", "serf"), place.address)
    return {
        "name": place.name,
        "data_dir": str(place.data),
        "region": REGION,
        "datacenter": DATACENTER,
        "bind_addr": place.address,
        "advertise": said,
        "ports": {"http": place.http, "rpc": place.rpc, "serf": place.serf},
        "log_level": "INFO",
        "disable_update_check": True,
        "acl": {"enabled": security.acl},
        **_tls(security),
    }


def _tls(security: Security) -> dict[str, Any]:
    if security.ca is None:
        return {}
    return {
        "tls": {
            "http": True,
            "rpc": True,
            "ca_file": str(security.ca),
            "cert_file": str(security.certificate),
            "key_file": str(security.key),
            "verify_server_hostname": True,
            "verify_https_client": True,
        }
    }


def _client_options(drivers: Drivers) -> dict[str, str]:
    denied = "qemu,java" if drivers.docker else "qemu,java,docker"
    return {"fingerprint.denylist": DENIED_FINGERPRINTS, "driver.denylist": denied}


def _plugins(drivers: Drivers) -> Mapping[str, Any]:
    found: dict[str, Any] = {"raw_exec": [{"config": [{"enabled": True}]}]}
    if drivers.gpus:
        found["fake-gpu"] = [{"config": [{"count": drivers.gpus.count}]}]
    if drivers.docker:
        # Nomad asks for the runtime of NVIDIA where a task is given cards; these need none.
        cards = {"nvidia_runtime": "runc"} if drivers.gpus else {}
        found["docker"] = [{"config": [{**_docker(drivers.docker), **cards}]}]
    return found


def _docker(address: str) -> dict[str, Any]:
    """Configure the docker driver.

    A client with its defaults removes the containers of every other client that uses the same
    daemon ("removed untracked container"), and each image three minutes after its last use.
    """
    return {
        "endpoint": address,
        "allow_privileged": False,
        "volumes": [{"enabled": True}],
        "gc": [{"image": False, "dangling_containers": [{"enabled": False}]}],
    }
