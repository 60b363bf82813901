"""The backend `local`: Metaflow's own scheduler, with a home and a datastore of its own."""

from __future__ import annotations

import platform
import re
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends import sandbox
from metaflow_backends.options import OptionError, check_names, check_no_provider
from metaflow_backends.protocol import Health, LogFile, Probe, Running, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OLDEST = "2.19.38"
CAPABILITIES = frozenset(
    {
        "runner",
        "linear",
        "branch",
        "foreach",
        "nested_foreach",
        "switch",
        "recursion",
        "join",
        "resume",
        "retry",
        "catch",
        "timeout",
        "environment",
        "config",
        "parameters",
        "project",
        "cards",
        "tags",
        "spin",
        "resources",
        "cancel",
        "exit_codes",
        "large_artifacts",
        "logs",
        "mutators",
        "packages",
        "user_namespace",
        "client",
    }
)


class Local:
    """Run every step as a process of this machine.

    Options: `max_workers` (how many tasks run at once; Metaflow's default if not given), handed
    on to who runs flows as `details["max_workers"]`. `details["work"]` is a folder for flows to
    run in: cards are only found again if reader and writer work below the home.
    """

    kind = "local"
    capabilities = CAPABILITIES

    def check(self, settings: Settings) -> None:
        check_no_provider(settings)
        check_options(settings)

    def probe(self, settings: Settings) -> Probe:
        check_options(settings)
        return probe_metaflow()

    def start(self, settings: Settings, home: Path) -> Running:
        check_options(settings)
        return Running(
            environment=sandbox.make(home),
            versions=versions(),
            provider="process",
            logs="",
            details={**details(home), **settings.options},
        )

    def stop(self, running: Running, home: Path) -> None:
        """Do nothing: tasks belong to the flows that started them."""

    def health(self, running: Running) -> Health:
        return sandbox_health(running)

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:  # noqa: ARG002 - the contract's
        """Name none: a local task has only the logs that Metaflow itself keeps."""
        return ()

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002 - the contract's
        return {}


def check_options(settings: Settings) -> None:
    """Raise OptionError unless all options are known and make sense."""
    check_names(settings, ("max_workers",))
    limit = settings.options.get("max_workers", 1)
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise OptionError(
            f"{settings.column}: max_workers is {limit!r}, and must be a whole number from 1"
        )


def probe_metaflow() -> Probe:
    """Look whether a Metaflow that is new enough can be imported, without importing it."""
    cure = f"pip install 'metaflow>={OLDEST}'"
    if find_spec("metaflow") is None:
        return Probe.no("metaflow is not installed in this Python", cure)
    try:
        version = metadata.version("metaflow")
    except metadata.PackageNotFoundError:
        return Probe.no("metaflow can be imported, but is not installed (no version)", cure)
    if numbers(version) < numbers(OLDEST):
        return Probe.no(f"metaflow {version} is older than {OLDEST}", cure)
    return Probe.yes()


def numbers(version: str) -> tuple[int, ...]:
    """Read the release part of a version: `2.19.38rc1` and `2.19.38+x` give (2, 19, 38)."""
    release = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in release.group().split(".")) if release else ()


def versions() -> dict[str, str]:
    """Name the versions that decide how local flows behave."""
    return {"metaflow": metadata.version("metaflow"), "python": platform.python_version()}


def details(home: Path) -> dict[str, Any]:
    """Say what who runs flows needs to know beside the environment."""
    return {"work": str(home / "work"), "clears": [sandbox.PREFIX]}


def sandbox_health(running: Running) -> Health:
    """Say whether the datastore of the flows is still there."""
    root = running.environment.get("METAFLOW_DATASTORE_SYSROOT_LOCAL")
    if root and Path(root).is_dir():
        return Health(alive=True)
    return Health(alive=False, reason=f"its datastore {root} is gone")
