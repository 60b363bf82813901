"""The backend `nomad`: a server and its clients, as an operator would run them.

Never `nomad agent -dev`: that keeps no state and kills its tasks when it ends.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends import sandbox, toolchain
from metaflow_backends.nomad import chroot, stopping
from metaflow_backends.nomad.access import management_file
from metaflow_backends.nomad.api import Api
from metaflow_backends.nomad.cluster import nodes_health
from metaflow_backends.nomad.configuration import DATACENTER, REGION, Drivers
from metaflow_backends.nomad.datastore import PATH
from metaflow_backends.nomad.options import Options
from metaflow_backends.nomad.starting import Start, Started
from metaflow_backends.protocol import Health, LogFile, Needs, Probe, Running, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIXES = ("METAFLOW_", "NOMAD_")
ALLOCATION = "nomad-alloc-id"  # the key in a task's metadata


class Nomad:
    """Run steps as allocations of a real Nomad; see `Options` for what the matrix may say.

    `details` holds, beside what every backend has: `agents` (see `Agent.of`), `clients` (names),
    `drivers` that work, `variable` (path of the datastore's keys), `namespace`, `region`.
    """

    kind = "nomad"
    # What flows can do here comes with the decorator; until then the contract suite runs here.
    capabilities = frozenset({"logs.native"})

    def probe(self, settings: Settings) -> Probe:
        Options.of(settings)
        if os.geteuid() != 0:
            return Probe.no("Nomad's clients need root", "run as root, e.g. with sudo")
        return Probe.yes()

    def needs(self, settings: Settings) -> Needs:
        Options.of(settings)
        return Needs(tools=("nomad",))

    def start(self, settings: Settings, home: Path) -> Running:
        options = Options.of(settings)
        started = Start(
            home=home,
            binary=toolchain.ensure("nomad").path,
            options=options,
            drivers=Drivers(chroot=chroot.prepare(home)),
            datastore={},
            timeout=settings.start_timeout,
        ).run()
        return Running(
            environment={**_removed(), **sandbox.make(home), **environment(started.flows)},
            processes=started.processes,
            endpoints={"nomad": started.flows.address},
            versions={"nomad": str(started.manager.get("/status/leader") and _version(started))},
            provider="embedded",
            logs=str(home / "logs"),
            details=_details(started, options, home),
        )

    def stop(self, running: Running, home: Path) -> None:  # noqa: ARG002 - all follows from home
        """Take everything down without asking an agent, so also after a start that was killed."""
        stopping.end_agents(home)
        stopping.end_tasks(home)
        stopping.clear(home)

    def health(self, running: Running) -> Health:
        return nodes_health(manager(running), running.details["clients"])

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:
        """Name the agents' logs and, for an allocation, what its tasks wrote."""
        home = Path(running.details["home"])
        agents = [LogFile(path.stem, path) for path in sorted((home / "logs").glob("*.log"))]
        return [*_task_logs(home, native.get(ALLOCATION, "")), *agents]

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:
        return {name: value for name, value in metadata.items() if name.startswith("nomad-")}


def manager(running: Running) -> Api:
    """Give the API with all rights, for who owns the start: the token is in a file of mode 0600."""
    api = Api.of(running.environment)
    file = running.details["management_token_file"]
    return replace(api, token=Path(file).read_text(encoding="ascii")) if file else api


def environment(api: Api) -> dict[str, str]:
    """Give the variables by which `nomad` and every client of it find this cluster."""
    certificate, key = api.certificate or ("", "")
    known = {
        "NOMAD_ADDR": api.address,
        "NOMAD_REGION": REGION,
        "NOMAD_NAMESPACE": "default",
        "NOMAD_TOKEN": api.token,
        "NOMAD_CACERT": api.ca,
        "NOMAD_CLIENT_CERT": certificate,
        "NOMAD_CLIENT_KEY": key,
    }
    return {name: value for name, value in known.items() if value}


def _removed() -> dict[str, str | None]:
    return {name: None for name in os.environ if name.startswith(PREFIXES)}


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
        "namespace": "default",
        "agents": {agent.name: agent.described() for agent in agents},
        "clients": [agent.name for agent in layout.client_agents],
        "drivers": list(started.drivers),
        "variable": PATH if started.keys else "",
        "variable_keys": list(started.keys),
        "management_token_file": str(secret) if secret.exists() else "",
    }


def _version(started: Started) -> str:
    nodes = started.manager.get("/nodes")
    return str(nodes[0]["Version"])


def _task_logs(home: Path, allocation: str) -> list[LogFile]:
    """Find an allocation's logs where they lie while it is known, else where `stop` kept them."""
    if not allocation or "/" in allocation:
        return []
    kept = home / "logs" / "allocations" / allocation
    folders = [*home.glob(f"nomad/*/alloc/{allocation}/alloc/logs"), kept]
    files = (file for folder in folders for file in sorted(folder.glob("*.std*")))
    return [LogFile(file.name, file) for file in files if file.is_file()]
