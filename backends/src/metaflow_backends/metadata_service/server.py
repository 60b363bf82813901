"""The service as a process of its own."""

from __future__ import annotations

import ipaddress
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError
from metaflow_backends.host import clean
from metaflow_backends.host.ports import free_ports
from metaflow_backends.protocol import Health
from metaflow_backends.spawning import spawn, wait_healthy

if TYPE_CHECKING:
    from metaflow_backends.ownership import Ownership
    from metaflow_backends.protocol import Process

LOG = "metadata.log"
THREADS = 8
ANSWER = 3.0  # seconds


@dataclass(frozen=True)
class Server:
    """A service that is up."""

    endpoint: str  # URL
    process: Process

    @classmethod
    def start(cls, home: Path, *, owner: Ownership, address: str, timeout: float) -> Server:
        """Start it on a free port of `address`, with its file and log below `home`."""
        (port,) = free_ports(address, 1)
        log = home / "logs" / LOG
        argv = [sys.executable, "-m", __name__, address, str(port), str(home / "metadata.sqlite")]
        process = spawn(argv, log=log, env=clean.environment(), owner=owner)
        endpoint = f"http://{address}:{port}"
        wait_healthy(partial(health, endpoint), timeout, log, process)
        return cls(endpoint, process)


def health(endpoint: str) -> Health:
    """Ask whether it answers."""
    import requests

    try:
        with requests.Session() as session:
            session.trust_env = False
            answer = session.get(f"{endpoint}/ping", timeout=ANSWER)
    except requests.RequestException as error:
        return Health(alive=False, reason=f"{endpoint}: {type(error).__name__}")
    return Health(alive=answer.ok, reason=f"{endpoint} answers {answer.status_code}")


def main(address: str, port: str, file: str) -> None:
    """Serve until the process is ended."""
    from waitress import serve

    from metaflow_backends.metadata_service.app import application
    from metaflow_backends.metadata_service.store import Store

    if not ipaddress.ip_address(address).is_private:
        raise BackendError(f"{address} is public, and the metadata service lets everybody in")
    serve(application(Store(Path(file))), host=address, port=int(port), threads=THREADS, ident="")


if __name__ == "__main__":
    main(*sys.argv[1:])
