"""The backend `nomad`: a server and its clients, as an operator would run them.

Never `nomad agent -dev`: that keeps no state and kills its tasks when it ends.
"""

from __future__ import annotations

import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends import toolchain
from metaflow_backends.docker import backend as docker_backend
from metaflow_backends.docker.daemon import PACKAGES
from metaflow_backends.local import CAPABILITIES as LOCAL
from metaflow_backends.nomad import chroot, description, engine, steps, stopping
from metaflow_backends.nomad.cluster import nodes_health
from metaflow_backends.nomad.configuration import Drivers, Gpus
from metaflow_backends.nomad.faults import Faults
from metaflow_backends.nomad.hub import PACKAGES as HUB_PACKAGES
from metaflow_backends.nomad.hub import Hub
from metaflow_backends.nomad.options import Options, Profile
from metaflow_backends.nomad.starting import Start
from metaflow_backends.options import check_no_provider
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Health, LogFile, Needs, Probe, Running, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaflow_backends.nomad.engine import Engine
    from metaflow_backends.s3 import Store

# Spin runs on the machine of who asks, and the metadata of other runs is there, too, since there is
# no metadata service; the rest is said of `local` and holds here.
CAPABILITIES = (LOCAL - {"spin", "client"}) | {"logs.native", "resources.enforced"}
ALLOCATION = "nomad-alloc-id"  # the key in a task's metadata
LIBRARIES = ("boto3", "cryptography", "requests")


class Nomad:
    """Run steps as allocations of a real Nomad; see `Options` for what the matrix may say.

    `details` holds, beside what every backend has: `agents` (see `Agent.of`), `clients` (names),
    `drivers` that work, `variable` (path of the datastore's keys), `namespace`, `region`.
    """

    kind = "nomad"
    capabilities = CAPABILITIES

    def check(self, settings: Settings) -> None:
        check_no_provider(settings)
        Options.of(settings)

    def probe(self, settings: Settings) -> Probe:
        Options.of(settings)
        if lacking := [name for name in LIBRARIES if find_spec(name) is None]:
            cure = "pip install 'metaflow-backends[devstack]'"
            return Probe.no(f"{' and '.join(lacking)} cannot be imported", cure)
        if os.geteuid() != 0:
            return Probe.no("Nomad's clients need root", "run as root, e.g. with sudo")
        return Probe.yes()

    def needs(self, settings: Settings) -> Needs:
        options = Options.of(settings)
        daemon = options.docker == "auto" and docker_backend.running() is None
        network = HUB_PACKAGES if options.profile is Profile.MULTI else ()
        packages = (*(PACKAGES if daemon else ()), *network)
        tools = ("nomad", *(("fake-gpu",) if options.gpus else ()))
        return Needs(packages=packages, tools=tools, images=_images(options))

    def start(self, settings: Settings, home: Path) -> Running:
        options = Options.of(settings)
        program = toolchain.ensure("nomad").path
        docker = engine.start(options.docker, home, settings.start_timeout)
        drivers = Drivers(
            docker.host if docker else "",
            chroot.prepare(home, _images(options)),
            gpus=_gpus(options),
        )
        if options.profile is Profile.MULTI:
            Hub.of(home).make(options.client_names)
        store = _store(options, docker, home, settings.start_timeout)
        keys = store.credentials if store else {}
        started = Start(home, program, options, drivers, keys, settings.start_timeout).run()
        return description.running(started, store, docker, options, home)

    def stop(self, running: Running, home: Path) -> None:  # noqa: ARG002 - all follows from home
        """Take everything down without asking an agent, so also after a start that was killed."""
        stopping.end_agents(home)
        engine.stop(home)
        stopping.end_tasks(home)
        Hub.of(home).remove()
        stopping.clear(home)

    def attach(self, settings: Settings, host: Running) -> Running:
        """Let flows use what the shared column has brought up with another driver."""
        driver = Options.of(settings).driver
        environment = {**host.environment, **steps.environment(host.details, driver)}
        return replace(host, environment=environment)

    def faults(self, running: Running) -> Faults:
        """Give what can be done to the cluster, for tests of what runs on it."""
        return Faults(running)

    def health(self, running: Running) -> Health:
        return nodes_health(description.manager(running), running.details["clients"])

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:
        """Name the agents' logs and, for an allocation, what its tasks wrote."""
        home = Path(running.details["home"])
        agents = [LogFile(path.stem, path) for path in sorted((home / "logs").glob("*.log"))]
        return [*_task_logs(home, native.get(ALLOCATION, "")), *agents]

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:
        return {name: value for name, value in metadata.items() if name.startswith("nomad-")}


def _gpus(options: Options) -> Gpus | None:
    if not options.gpus:
        return None
    return Gpus(options.gpus, toolchain.ensure("fake-gpu").path.parent)


def _images(options: Options) -> tuple[str, ...]:
    return ("base",) if options.docker == "none" else ("base", "task")


def _store(options: Options, docker: Engine | None, home: Path, timeout: float) -> Store | None:
    from metaflow_backends.s3 import Store

    if not options.datastore:
        return None
    if options.profile is Profile.MULTI:
        address = Hub.of(home).gateway
    else:
        address = docker.machine if docker else engine.LOOPBACK
    return Store.start(home, owner=Ownership.of(home), timeout=timeout, address=address)


def _task_logs(home: Path, allocation: str) -> list[LogFile]:
    """Find an allocation's logs where they lie while it is known, else where `stop` kept them."""
    if not allocation or "/" in allocation:
        return []
    kept = home / "logs" / "allocations" / allocation
    folders = [*home.glob(f"nomad/*/alloc/{allocation}/alloc/logs"), kept]
    files = (file for folder in folders for file in sorted(folder.glob("*.std*")))
    return [LogFile(file.name, file) for file in files if file.is_file()]
