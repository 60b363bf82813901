"""One S3 server with one bucket, for a backend of its own or inside another backend."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from metaflow_backends import keys
from metaflow_backends.errors import BackendError
from metaflow_backends.host import clean
from metaflow_backends.host.ports import free_ports
from metaflow_backends.protocol import Health
from metaflow_backends.s3 import server
from metaflow_backends.spawning import spawn, stop, wait_healthy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from metaflow_backends.ownership import Ownership
    from metaflow_backends.protocol import Process

BUCKET = "metaflow"
REGION = "us-east-1"
TRIES = 3  # to find ports that nobody else takes at the same moment
TAKEN = "address already in use"
LOG = "s3.log"
ANSWER = 3  # seconds to connect, and again to answer
# Processes of Metaflow for one transfer (its default is 64). A flow under test moves a few small
# files: with one process it takes an eighth less processor time than with four.
WORKERS = "1"


@dataclass(frozen=True)
class Store:
    """A server that is up, and the keys to its bucket."""

    endpoint: str  # URL
    access_key: str
    secret_key: str
    process: Process
    bucket: str = BUCKET

    @classmethod
    def start(
        cls, home: Path, *, owner: Ownership, timeout: float, address: str = "127.0.0.1"
    ) -> Store:
        """Start a server that listens on `address` and create its bucket.

        Everything it writes goes below `home / "s3"`, its log is `home / "logs" / "s3.log"`.
        Raises BackendError, with the end of the log, if it does not answer within `timeout` s.
        """
        folder = home / "s3"
        (folder / "data").mkdir(parents=True, exist_ok=True)
        access, secret = keys.generate(10), keys.generate(20)
        settings = folder / "identities.json"
        settings.touch(mode=0o600)
        settings.write_text(server.identities(access, secret), encoding="ascii")
        process, endpoint = _serve(folder, home / "logs" / LOG, owner, address, timeout)
        store = cls(endpoint, access, secret, process)
        store.make_bucket()
        return store

    @property
    def environment(self) -> dict[str, str | None]:
        """Give what flows need to keep everything here; the caller's own AWS is removed."""
        root = f"s3://{self.bucket}/metaflow"
        return {
            "METAFLOW_DEFAULT_DATASTORE": "s3",
            "METAFLOW_DATASTORE_SYSROOT_S3": root,
            "METAFLOW_DATATOOLS_S3ROOT": f"{root}/data",
            "METAFLOW_S3_ENDPOINT_URL": self.endpoint,
            "METAFLOW_S3_WORKER_COUNT": WORKERS,
            **self.credentials,
            **{name: None for name in os.environ if name.lower() in clean.NAMES},
            "AWS_CA_BUNDLE": None,
            "AWS_PROFILE": None,
            "AWS_SESSION_TOKEN": None,
        }

    @property
    def credentials(self) -> dict[str, str]:
        """Give the keys and the region by the names that AWS clients look for."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def make_bucket(self) -> None:
        """Create the bucket and try all that Metaflow asks of it; BackendError if it cannot."""
        s3 = self.client()
        try:
            s3.create_bucket(Bucket=self.bucket)
            s3.put_object(Bucket=self.bucket, Key=".probe", Body=b"probe", Metadata={"a": "b"})
            read = s3.get_object(Bucket=self.bucket, Key=".probe", Range="bytes=1-3")
            kept = (read["Body"].read(), read["Metadata"])
            s3.delete_object(Bucket=self.bucket, Key=".probe")
        except Exception as error:
            raise BackendError(f"{self.endpoint}: the bucket cannot be used: {error}") from error
        if kept != (b"rob", {"a": "b"}):
            raise BackendError(f"{self.endpoint}: it answers {kept!r} where a range was asked for")

    def health(self) -> Health:
        """Ask whether the bucket is there, within seconds."""
        try:
            self.client().head_bucket(Bucket=self.bucket)
        except Exception as error:  # noqa: BLE001 - whatever a client raises is the reason
            reason = f"{self.endpoint}: bucket {self.bucket!r}: {error}"
            return Health(alive=False, reason=reason)
        return Health(alive=True)

    def client(self) -> Any:  # noqa: ANN401 - boto3 makes its classes at run time
        """Give a client that never waits long: Metaflow itself asks for many minutes."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=REGION,
            verify=False,
            config=Config(
                connect_timeout=ANSWER,
                read_timeout=ANSWER * 5,
                retries={"max_attempts": 1},
                proxies={},
                s3={"addressing_style": "path"},
            ),
        )

    def as_details(self) -> dict[str, str]:
        """Give what `from_details` needs, as JSON."""
        return {
            "endpoint": self.endpoint,
            "access_key": self.access_key,
            "secret_key": self.secret_key,
            "bucket": self.bucket,
        }

    @classmethod
    def from_details(cls, details: Mapping[str, str], process: Process) -> Store:
        """Find a store again from what a state file holds."""
        return cls(process=process, **details)


def _serve(
    folder: Path, log: Path, owner: Ownership, address: str, timeout: float
) -> tuple[Process, str]:
    for attempt in range(1, TRIES + 1):
        ports = free_ports(address, len(server.PORTS))
        argv = [str(server.program()), *server.arguments(folder, address, ports)]
        process = spawn(argv, log=log, env=clean.environment(), owner=owner, cwd=folder)
        endpoint = f"http://{address}:{ports[server.PORTS.index('s3')]}"
        try:
            wait_healthy(partial(_answers, endpoint), timeout, log, process)
        except BackendError:
            stop(process)
            # In all of it: after that line the server dumps every goroutine it has.
            if attempt == TRIES or TAKEN not in log.read_text("utf-8", "replace"):
                raise
        else:
            return process, endpoint
    raise AssertionError("unreachable")


def _answers(endpoint: str) -> Health:
    """Ask without keys: a server that is up refuses, one that is not does not answer."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        try:
            code = session.get(endpoint, timeout=ANSWER).status_code
        except requests.RequestException as error:
            return Health(alive=False, reason=f"{endpoint}: {type(error).__name__}")
    return Health(alive=code in {200, 403}, reason=f"{endpoint} answers {code}")
