"""The Debian packages that backends need, in one list, and how they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

TIMEOUT = 900.0  # seconds for apt-get as a whole
# What each is for: nothing else in the tree names a package.
PACKAGES: Mapping[str, str] = {
    "bubblewrap": "runs a step in a sandbox",
    "busybox-static": "a program that needs no libraries, for the smallest images",
    "ca-certificates": "the certificates that tools trust",
    "conntrack": "kube-proxy forgets connections with it",
    "containerd": "runs the containers of Docker and Kubernetes",
    "containernetworking-plugins": "connect pods to the bridge of their node",
    "debootstrap": "makes the base image out of Debian's packages",
    "docker.io": "the Docker daemon and its client",
    "ethtool": "kubelet asks for it",
    "gcc": "Nomad's exec driver is built with it",
    "iproute2": "makes network namespaces and the links into them",
    "iptables": "rules of services and of containers' networks",
    "libc6-dev": "Nomad's exec driver is built with it",
    "mount": "mounts and unmounts",
    "runc": "starts containers",
    "util-linux": "enters namespaces (nsenter, unshare)",
}


def missing(packages: Iterable[str]) -> tuple[str, ...]:
    """Name those of the packages that are not installed; all, where there is no dpkg."""
    wanted = tuple(dict.fromkeys(packages))
    if not wanted or shutil.which("dpkg-query") is None:
        return wanted
    done = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *wanted],
        capture_output=True,
        text=True,
        check=False,
    )
    there = {line.split()[0] for line in done.stdout.splitlines() if line.endswith(" installed")}
    return tuple(name for name in wanted if name not in there)


def cure(packages: Iterable[str]) -> str:
    """Give the one command that installs them."""
    return f"apt-get install -y --no-install-recommends {' '.join(packages)}"


def install(packages: Iterable[str], say: Callable[[str], None]) -> None:
    """Install what is missing. Raises BackendError if we may not, or if apt-get fails."""
    wanted = missing(packages)
    if not wanted:
        return
    if os.geteuid() != 0:
        raise BackendError(f"only root can install packages: sudo {cure(wanted)}")
    if shutil.which("apt-get") is None:
        raise BackendError(f"there is no apt-get; install what Debian calls {' '.join(wanted)}")
    say(f"installing {' '.join(wanted)}")
    _apt("update")
    _apt("install", "-y", "--no-install-recommends", *wanted)


def _apt(*arguments: str) -> None:
    # A daemon that a package brings must not start: ours run beside it, and end with us.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    command = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments]
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise BackendError(f"apt-get {arguments[0]} did not end within {TIMEOUT:g} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise BackendError(f"apt-get {' '.join(arguments)} failed: {' | '.join(said)}")
