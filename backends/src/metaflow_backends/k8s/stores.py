"""What keeps the artifacts and the metadata of flows on a cluster."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metaflow_backends.k8s.environment import for_service
from metaflow_backends.metadata_service import Server
from metaflow_backends.ownership import Ownership
from metaflow_backends.s3 import Store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from metaflow_backends.k8s.options import Options
    from metaflow_backends.k8s.provider import Cluster
    from metaflow_backends.protocol import Process

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION")


@dataclass(frozen=True)
class Stores:
    """An S3 store that pods reach and, where they reach this machine, a metadata service."""

    environment: Mapping[str, str | None]
    credentials: Mapping[str, str]
    endpoints: Mapping[str, str]
    processes: Sequence[Process] = field(default=())

    @classmethod
    def start(cls, options: Options, cluster: Cluster, home: Path, timeout: float) -> Stores:
        """Start both, or take the store that the options name. Raises BackendError."""
        if options.s3_endpoint:
            return cls.given(options)
        owner, address = Ownership.of(home), cluster.gateway
        with ThreadPoolExecutor(1) as pool:
            serving = pool.submit(Server.start, home, owner=owner, address=address, timeout=timeout)
            store = Store.start(home, owner=owner, address=address, timeout=timeout)
            service = serving.result()
        return cls(
            environment={**store.environment, **for_service(service.endpoint)},
            credentials=store.credentials,
            endpoints={"s3": store.endpoint, "metadata": service.endpoint},
            processes=(store.process, service.process),
        )

    @classmethod
    def given(cls, options: Options) -> Stores:
        """Use a store that is there; runs keep their metadata in it, beside the artifacts."""
        credentials = {name: os.environ[name] for name in KEYS if os.environ.get(name)}
        environment = {
            "METAFLOW_DEFAULT_DATASTORE": "s3",
            "METAFLOW_DATASTORE_SYSROOT_S3": options.s3_root,
            "METAFLOW_DATATOOLS_S3ROOT": f"{options.s3_root}/data",
            "METAFLOW_S3_ENDPOINT_URL": options.s3_endpoint,
            **credentials,
        }
        return cls(environment, credentials, {"s3": options.s3_endpoint})
