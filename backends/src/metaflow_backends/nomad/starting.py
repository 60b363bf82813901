"""Bring everything of one start up, in order: datastore, certificates, server, keys, clients."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metaflow_backends.nomad import access, certificates, cluster, datastore, stopping
from metaflow_backends.nomad.api import Api
from metaflow_backends.nomad.configuration import Drivers, Security
from metaflow_backends.nomad.hub import Hub
from metaflow_backends.nomad.layout import Layout, on_loopback
from metaflow_backends.nomad.options import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from metaflow_backends.nomad.certificates import Certificates
    from metaflow_backends.nomad.layout import Spot
    from metaflow_backends.nomad.options import Options
    from metaflow_backends.protocol import Process

TRIES = 3  # starts on other ports, if somebody takes one between our choice and the agent's


@dataclass(frozen=True)
class Started:
    """What came up."""

    layout: Layout
    processes: tuple[Process, ...]
    manager: Api  # with all rights
    flows: Api  # with the rights of flows
    keys: tuple[str, ...]  # names in the datastore's variable
    drivers: tuple[str, ...]


@dataclass(frozen=True)
class Start:
    """One start: what was asked for and what it builds on."""

    home: Path
    binary: Path
    options: Options
    drivers: Drivers
    keys: Mapping[str, str]  # of the datastore, empty without one
    timeout: float  # seconds

    def run(self) -> Started:
        """Bring the agents up; raises BackendError with the end of the log of the one that fails.

        Ports are chosen before agents bind them, so a start whose port was taken meanwhile is
        done again on others; never if the port was asked for.
        """
        for _ in range(0 if self.options.port else TRIES - 1):
            with suppress(cluster.PortTakenError):
                return self._run()
            self._forget()
        return self._run()

    def _run(self) -> Started:
        deadline = time.monotonic() + self.timeout
        server, *clients = self._spots()
        secure = self.options.profile is Profile.TLS
        layout = Layout(
            self.home, self.binary, server, tuple(clients), scheme="https" if secure else "http"
        )
        made = self._certificates([server.address, *(spot.address for spot in clients)])
        layout.configure(self._security(made), self.drivers)
        anyone = _api(layout.server_agent.address, made)
        server_process = cluster.start_server(layout.server_agent, anyone, _left(deadline))
        manager, flows = self._access(anyone)
        keys = datastore.publish(manager, self.keys)
        processes = cluster.start_clients(layout.client_agents, manager, _left(deadline))
        drivers = cluster.Nodes.ask(manager).drivers(clients[0].name)
        return Started(layout, (server_process, *processes), manager, flows, keys, drivers)

    def _spots(self) -> Sequence[Spot]:
        if self.options.profile is Profile.MULTI:
            return Hub.of(self.home).spots(self.options.client_names, self.options.port)
        return on_loopback(self.options.client_names, self.options.port)

    def _certificates(self, addresses: Sequence[str]) -> Certificates | None:
        if self.options.profile is not Profile.TLS:
            return None
        return certificates.make(self.home / "secrets", sorted(set(addresses)))

    def _security(self, made: Certificates | None) -> Security:
        acl = self.options.profile is Profile.ACL
        if made is None:
            return Security(acl=acl)
        return Security(acl, made.ca, made.agent.certificate, made.agent.key)

    def _access(self, anyone: Api) -> tuple[Api, Api]:
        """Give the API with all rights and the API with those of flows."""
        if self.options.profile is not Profile.ACL:
            return anyone, anyone
        tokens = access.bootstrap(anyone, self.home)
        return replace(anyone, token=tokens.management), replace(anyone, token=tokens.flows)

    def _forget(self) -> None:
        """Undo a try: agents of an earlier cluster would refuse to join the next one."""
        stopping.end_agents(self.home)
        shutil.rmtree(self.home / "nomad", ignore_errors=True)


def _api(address: str, made: Certificates | None) -> Api:
    if made is None:
        return Api(address)
    pair = (str(made.user.certificate), str(made.user.key))
    return Api(address, ca=str(made.ca), certificate=pair)


def _left(deadline: float) -> float:
    return max(1.0, deadline - time.monotonic())
