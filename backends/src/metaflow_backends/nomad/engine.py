"""The Docker daemon that the docker driver uses: one that runs, or one of our own."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_backends import images
from metaflow_backends.docker import backend as docker
from metaflow_backends.docker.daemon import Daemon
from metaflow_backends.errors import BackendError
from metaflow_backends.host import clean
from metaflow_backends.host.commands import run
from metaflow_backends.host.ground import Ground
from metaflow_backends.nomad import remains
from metaflow_backends.ownership import Ownership

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.protocol import Process

LOOPBACK = "127.0.0.1"
TIMEOUT = 30.0  # seconds for one call of `docker`
NOTE = "docker-host"  # a file below the home: which daemon has our containers
LABEL = "com.hashicorp.nomad.alloc_id"


@dataclass(frozen=True)
class Engine:
    """A daemon, and how containers in it reach the machine."""

    host: str  # as DOCKER_HOST
    image: str  # of tasks, loaded
    machine: str  # an address that this machine, its containers and its other tasks all reach
    network_mode: str  # what a container needs to reach it
    process: Process | None = None  # of a daemon of our own


def start(wanted: str, home: Path, timeout: float) -> Engine | None:
    """Give the daemon that the option names, started if need be; None for `none`."""
    if wanted == "none":
        return None
    image = images.ensure("task")
    found = docker.running() if wanted == "auto" else None
    host = f"unix://{found}" if found else ("" if wanted == "auto" else wanted)
    if host:
        (home / NOTE).write_text(host, encoding="utf-8")
        images.load_into_docker(image, host)
        return Engine(host, image.name, LOOPBACK, "host")
    return _own(image, home, timeout)


def _own(image: images.Image, home: Path, timeout: float) -> Engine:
    owner = Ownership.of(home)
    daemon = Daemon(Ground(owner.tag), home)
    process = daemon.start(owner, timeout)
    images.load_into_docker(image, daemon.host)
    return Engine(daemon.host, image.name, daemon.ground.gateway, "bridge", process)


def stop(home: Path) -> None:
    """End our own daemon, or remove our containers from the one that was there before.

    Raises BackendError if containers stay.
    """
    owner = Ownership.of(home)
    note = home / NOTE
    if note.exists():
        _remove_containers(note.read_text(encoding="utf-8"), home)
    with suppress(FileNotFoundError):
        Daemon(Ground(owner.tag), home).stop(owner)


def _remove_containers(host: str, home: Path) -> None:
    client = ["docker", "--host", host]
    listing = ["ps", "--all", "--filter", f"label={LABEL}", "--format"]
    form = '{{.ID}} {{.Label "' + LABEL + '"}}'
    environment = clean.whole()
    try:
        told = run([*client, *listing, form], timeout=TIMEOUT, env=environment)
    except BackendError:
        return  # a daemon that is gone has no containers that run
    if ours := remains.container_ids(told, remains.allocations(home)):
        run([*client, "rm", "--force", *ours], timeout=TIMEOUT, env=environment)
