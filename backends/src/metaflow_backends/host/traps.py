"""What makes backends fail on this machine in ways nobody would guess, each with its cure."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends import cache
from metaflow_backends.host import clean
from metaflow_backends.host.ground import RUN
from metaflow_backends.toolchain.building import OLDEST_GO, go_version
from metaflow_backends.toolchain.recipe import ToolchainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CAP_SYS_RESOURCE = 24  # its bit: linux/capability.h
LOW_DISK = 5 << 30  # bytes
BRIDGED = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")  # there with br_netfilter
FEW_INOTIFY = 256  # instances; every kubelet, container and pod watcher takes some


@dataclass(frozen=True)
class Trap:
    """One thing that has cost somebody hours."""

    name: str
    found: bool
    why: str
    cure: str = ""


@dataclass(frozen=True)
class Machine:
    """The facts that traps are made of; tests give their own."""

    root: bool
    capabilities: int  # the bounding set
    cgroups: str  # "v1", "v2", or "hybrid"
    environment: Mapping[str, str]
    free: int  # bytes where the cache is
    inotify: int  # instances a user may have
    docker_socket: bool
    docker_answers: bool
    overlay: bool  # whether the kernel has that file system, or a module of it
    bridged: bool  # the same of packets that cross a bridge and meet the rules of iptables
    unwritable: tuple[str, ...]  # folders that we would write to
    go: str  # the version that can build, "" if there is none

    @classmethod
    def here(cls) -> Machine:
        """Look at this machine; starts nothing."""
        socket = Path("/var/run/docker.sock")
        return cls(
            root=os.geteuid() == 0,
            capabilities=_bounding_set(Path("/proc/self/status").read_text(encoding="ascii")),
            cgroups=cgroups(Path("/proc/self/mountinfo").read_text(encoding="utf-8")),
            environment=dict(os.environ),
            free=_free(cache.root()),
            inotify=_number(Path("/proc/sys/fs/inotify/max_user_instances")),
            docker_socket=socket.is_socket(),
            docker_answers=_answers(socket),
            overlay=_mounts("overlay") or _loads("overlay"),
            bridged=BRIDGED.exists() or _loads("br_netfilter"),
            unwritable=tuple(str(folder) for folder in folders() if not _writable(folder)),
            go=_go(),
        )


def traps(machine: Machine | None = None) -> Sequence[Trap]:
    """Check all traps; those with `found` are here."""
    here = machine or Machine.here()
    return [check(here) for check in CHECKS]


def _no_root(machine: Machine) -> Trap:
    return Trap(
        "no root",
        not machine.root,
        "namespaces, mounts and control groups are root's: only local, fake and s3 can start",
        "run as root, or use a Docker daemon or a cluster that is there already",
    )


def _no_sys_resource(machine: Machine) -> Trap:
    return Trap(
        "no CAP_SYS_RESOURCE",
        not machine.capabilities & (1 << CAP_SYS_RESOURCE),
        "a negative oom_score_adj is refused, and runc dies with 'getting the final child's pid'; "
        "privileged containers cannot start",
        "nothing to do: containerd restricts the score, and runc-lowcap takes the rest out",
    )


def _cgroups(machine: Machine) -> Trap:
    return Trap(
        "control groups v1",
        machine.cgroups != "v2",
        "Kubernetes 1.35 and newer refuse to start on them by default",
        "nothing to do: kubelet is told to (failCgroupV1: false)",
    )


def _misleading(machine: Machine) -> Trap:
    names = sorted(
        name
        for name in machine.environment
        if name == "AWS_CA_BUNDLE" or name.lower() in clean.NAMES - {"no_proxy"}
    )
    return Trap(
        "variables that mislead daemons",
        bool(names),
        f"{', '.join(names)}: a CA bundle is fatal to Nomad, proxies catch requests to loopback",
        "nothing to do for the backends, which start without them; unset them for your own daemons",
    )


def _disk(machine: Machine) -> Trap:
    return Trap(
        "little free disk",
        machine.free < LOW_DISK,
        f"{machine.free >> 20} MiB are free where the cache is; a first build needs 12 GB, and "
        "kubelet evicts pods from a full disk",
        "free some, or set XDG_CACHE_HOME to a larger disk",
    )


def _inotify(machine: Machine) -> Trap:
    return Trap(
        "few inotify instances",
        machine.inotify < FEW_INOTIFY,
        f"{machine.inotify} are allowed per user: beyond about 60 pods watchers fail with 'too "
        "many open files'",
        f"sysctl fs.inotify.max_user_instances={FEW_INOTIFY * 4}",
    )


def _dead_docker(machine: Machine) -> Trap:
    return Trap(
        "a Docker socket nobody answers on",
        machine.docker_socket and not machine.docker_answers,
        "/var/run/docker.sock is left from a daemon that died",
        "start the daemon, or remove the socket; the backend starts a daemon of its own",
    )


def _no_go(machine: Machine) -> Trap:
    return Trap(
        "no Go, or an old one",
        not machine.go,
        "nothing can be built: Nomad, Kubernetes, etcd and Argo have to be on PATH",
        f"install Go {'.'.join(map(str, OLDEST_GO))} or newer",
    )


def _no_overlay(machine: Machine) -> Trap:
    return Trap(
        "no overlay file system",
        not machine.overlay,
        "containers of Docker and Kubernetes cannot lay one layer over another",
        "modprobe overlay",
    )


def _not_bridged(machine: Machine) -> Trap:
    return Trap(
        "bridges that pass by the rules",
        not machine.bridged,
        "a pod does not reach a service whose pod is on the same node",
        "modprobe br_netfilter",
    )


def _unwritable(machine: Machine) -> Trap:
    return Trap(
        "folders that cannot be written",
        bool(machine.unwritable),
        f"{', '.join(machine.unwritable)}: builds, sockets and namespaces have no place",
        "mount them writable; XDG_CACHE_HOME moves the cache",
    )


CHECKS = (
    _no_root,
    _no_sys_resource,
    _cgroups,
    _misleading,
    _disk,
    _inotify,
    _dead_docker,
    _no_go,
    _no_overlay,
    _not_bridged,
    _unwritable,
)


def cgroups(mountinfo: str) -> str:
    """Tell which control groups a /proc/self/mountinfo shows: v1, v2, hybrid (both), or none."""
    kinds = {line.partition(" - ")[2].split(" ", 1)[0] for line in mountinfo.splitlines()}
    if {"cgroup", "cgroup2"} <= kinds:
        return "hybrid"
    return "v1" if "cgroup" in kinds else "v2" if "cgroup2" in kinds else "none"


def _bounding_set(status: str) -> int:
    line = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    return int(line.partition(":")[2], 16)


def folders() -> tuple[Path, ...]:
    """List where backends write beside the project: the cache and, as root, the run folder."""
    return (cache.root(), *((RUN,) if os.geteuid() == 0 else ()))


def _writable(place: Path) -> bool:
    while not place.exists():
        place = place.parent
    return os.access(place, os.W_OK)


def _mounts(system: str) -> bool:
    return f"\t{system}\n" in Path("/proc/filesystems").read_text(encoding="ascii")


def _loads(module: str) -> bool:
    """Tell whether a module would be loaded once it is needed; loads nothing."""
    modprobe = shutil.which("modprobe", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if modprobe is None:
        return False
    argv = [modprobe, "--dry-run", "--quiet", module]
    return subprocess.run(argv, check=False, capture_output=True, timeout=10.0).returncode == 0


def _go() -> str:
    try:
        return go_version()
    except ToolchainError:
        return ""


def _free(place: Path) -> int:
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except OSError:  # not told here
        return FEW_INOTIFY


def _answers(path: Path) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(str(path))
            connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return connection.recv(12).startswith(b"HTTP/")
        except OSError:
            return False
