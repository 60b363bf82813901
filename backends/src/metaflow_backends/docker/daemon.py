"""A dockerd of our own, in a network namespace of its own, that leaves nothing when it goes."""

from __future__ import annotations

import http.client
import json
import shutil
import socket
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.host import cgroups, clean, mounts
from metaflow_backends.protocol import Health
from metaflow_backends.spawning import end_all, spawn, wait_healthy

if TYPE_CHECKING:
    from metaflow_backends.host.ground import Ground
    from metaflow_backends.ownership import Ownership
    from metaflow_backends.protocol import Process

ANSWER = 5.0  # seconds
GRACE = 8.0  # seconds for the daemon to end, and its containerd with it
LOG = "dockerd.log"
PACKAGES = ("docker.io", "containerd", "runc", "iptables", "iproute2", "util-linux")


@dataclass(frozen=True)
class Runtime:
    """Another OCI runtime than runc, which containers get by default."""

    name: str
    path: Path


@dataclass(frozen=True)
class Daemon:
    """A daemon of our own; its names follow from its ground, its data lies in its home."""

    ground: Ground
    home: Path

    @property
    def socket(self) -> Path:
        return self.ground.folder / "docker.sock"

    @property
    def host(self) -> str:
        """Give what clients need as DOCKER_HOST."""
        return f"unix://{self.socket}"

    @property
    def data(self) -> Path:
        return self.home / "docker"

    def start(self, owner: Ownership, timeout: float, runtime: Runtime | None = None) -> Process:
        """Start it; the ground is made if need be.

        Raises BackendError with the end of its log if it does not answer within `timeout` seconds.
        """
        self.ground.make()
        cgroups.make(self.ground.name)
        self.data.mkdir(parents=True, exist_ok=True)
        settings = self.home / "daemon.json"
        settings.write_text(json.dumps(_settings(runtime)), encoding="utf-8")
        # A daemon that was killed leaves it, and the next one believes it while the pid is there.
        (self.ground.folder / "docker.pid").unlink(missing_ok=True)
        log = self.home / "logs" / LOG
        process = spawn(
            self.ground.enter(self._arguments(settings)),
            log=log,
            env=clean.environment({"TMPDIR": str(self.ground.folder)}),
            owner=owner,
        )
        wait_healthy(partial(ping, self.socket), timeout, log, process)
        return process

    def _arguments(self, settings: Path) -> list[str]:
        folder = self.ground.folder
        return [
            "dockerd",
            f"--config-file={settings}",
            f"--data-root={self.data}",
            f"--exec-root={folder / 'exec'}",
            f"--pidfile={folder / 'docker.pid'}",
            f"--host={self.host}",
            f"--cgroup-parent=/{self.ground.name}",
        ]

    def stop(self, owner: Ownership) -> None:
        """End it with all its containers and remove what they left, however far start had come.

        Raises BackendError if a process survives, or a mount stays.
        """
        daemons = [process for process in owner.tagged() if _is(process, "dockerd", "containerd")]
        cgroups.end(self.ground.name)  # containers outlive their daemon: they go first
        end_all(daemons, GRACE)
        end_all(owner.tagged(), grace=1.0, again=owner.tagged)
        cgroups.end(self.ground.name)
        left = mounts.unmount_below(self.home)  # its data is mounted on itself
        self.ground.remove()
        if not left:
            shutil.rmtree(self.data, ignore_errors=True)  # a gigabyte of images
        if left:
            raise BackendError(f"mounts stay below {self.home}: {', '.join(left)}")


def ping(path: Path) -> Health:
    """Ask a daemon whether it is there; a dead one may have left its socket."""
    connection = _Unix(path)
    try:
        connection.request("GET", "/_ping")
        answer = connection.getresponse()
        alive = answer.status == http.client.OK
    except (OSError, http.client.HTTPException) as error:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        reason = f"no daemon answers at {path}: {said}"
        return Health(alive=False, reason=reason)
    finally:
        connection.close()
    return Health(alive=alive, reason="" if alive else f"{path} answers {answer.status}")


def version(path: Path) -> str:
    """Ask a daemon for its version; BackendError if it does not tell."""
    connection = _Unix(path)
    try:
        connection.request("GET", "/version")
        return str(json.loads(connection.getresponse().read())["Version"])
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        raise BackendError(f"the daemon at {path} does not tell its version: {error}") from error
    finally:
        connection.close()


class _Unix(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=ANSWER)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWER)
        self.sock.connect(str(self._path))


def _settings(runtime: Runtime | None) -> dict[str, object]:
    """Give daemon.json: containers live on while the daemon is started again."""
    chosen = {
        "default-runtime": runtime.name,
        "runtimes": {runtime.name: {"path": str(runtime.path)}},
    } if runtime else {}  # fmt: skip
    return {
        "live-restore": True,
        "log-opts": {"max-size": "50m"},
        # With systemd's driver a parent of our naming would be refused.
        "exec-opts": ["native.cgroupdriver=cgroupfs"],
        **chosen,
    }


def _is(process: Process, *names: str) -> bool:
    try:
        return Path(f"/proc/{process.pid}/comm").read_text(encoding="utf-8").strip() in names
    except OSError:
        return False
