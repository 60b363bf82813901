"""The backend `docker`: a daemon to run containers with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends import images
from metaflow_backends.docker.daemon import LOG, PACKAGES, Daemon, ping, version
from metaflow_backends.errors import BackendError
from metaflow_backends.host import packages
from metaflow_backends.host.ground import Ground
from metaflow_backends.options import OptionError, check_names, check_no_provider
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Health, LogFile, Needs, Probe, Running, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DAEMONS = ("auto", "own", "running")
USUAL = Path("/var/run/docker.sock")
SCHEME = "unix://"


class Docker:
    """Use the Docker daemon that answers, else start one of our own.

    Options: `daemon`, one of `auto` (a running one, else our own), `own`, `running`. The image
    `task` of this project is loaded; `details["image"]` names it.
    """

    kind = "docker"
    # What flows can do comes with the decorator that runs steps in containers.
    capabilities: frozenset[str] = frozenset()

    def check(self, settings: Settings) -> None:
        check_no_provider(settings)
        chosen(settings)

    def probe(self, settings: Settings) -> Probe:
        wanted = chosen(settings)
        if wanted != "own" and running() is not None:
            return Probe.yes()
        if wanted == "running":
            return Probe.no(ping(_usual()).reason, "start a Docker daemon, or set DOCKER_HOST")
        if os.geteuid() != 0:
            return Probe.no(
                "no Docker daemon answers, and only root can start one", "start one, or run as root"
            )
        if lacking := packages.missing(PACKAGES):
            return Probe.no(f"{' '.join(lacking)} missing", packages.cure(lacking))
        return Probe.yes()

    def needs(self, settings: Settings) -> Needs:
        own = chosen(settings) == "own" or running() is None
        return Needs(packages=PACKAGES if own else (), images=("task",))

    def start(self, settings: Settings, home: Path) -> Running:
        wanted = chosen(settings)
        found = None if wanted == "own" else running()
        if found is None and wanted == "running":
            raise BackendError(ping(_usual()).reason)
        if found is not None:
            return _describe(found, provider="running", home=home)
        owner = Ownership.of(home)
        daemon = Daemon(Ground(owner.tag), home)
        process = daemon.start(owner, settings.start_timeout)
        described = _describe(daemon.socket, provider="own", home=home)
        return Running(**{**vars(described), "processes": (process,)})

    def stop(self, running: Running, home: Path) -> None:
        """End our own daemon; one that was there before is left as it is."""
        if running.provider != "running":
            owner = Ownership.of(home)
            Daemon(Ground(owner.tag), home).stop(owner)

    def health(self, running: Running) -> Health:
        return ping(_path(running.endpoints["docker"]))

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:  # noqa: ARG002 - the contract's
        return (LogFile("dockerd", Path(running.logs) / LOG),) if running.logs else ()

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:
        return {name: value for name, value in metadata.items() if name.startswith("docker-")}


def chosen(settings: Settings) -> str:
    """Give the option `daemon`; OptionError if it is none of those there are."""
    check_names(settings, ("daemon",))
    wanted = settings.options.get("daemon", "auto")
    if wanted not in DAEMONS:
        raise OptionError(
            f"{settings.column}: daemon is {wanted!r}, and must be one of {', '.join(DAEMONS)}"
        )
    return str(wanted)


def running() -> Path | None:
    """Find the socket of a daemon that answers: the caller's own choice, or the usual one."""
    path = _usual()
    return path if path.is_socket() and ping(path).alive else None


def _usual() -> Path:
    return _path(os.environ.get("DOCKER_HOST") or f"{SCHEME}{USUAL}")


def _path(host: str) -> Path:
    if not host.startswith(SCHEME):
        raise BackendError(f"DOCKER_HOST is {host}: only daemons on this machine ({SCHEME}) work")
    return Path(host.removeprefix(SCHEME))


def _describe(socket: Path, *, provider: str, home: Path) -> Running:
    image = images.ensure("task")
    host = f"{SCHEME}{socket}"
    images.load_into_docker(image, host)
    return Running(
        environment={"DOCKER_HOST": host, "DOCKER_CONTEXT": None, "DOCKER_TLS_VERIFY": None},
        endpoints={"docker": host},
        versions={"docker": version(socket)},
        provider=provider,
        logs=str(home / "logs") if provider == "own" else "",
        details={"image": image.name},
    )
