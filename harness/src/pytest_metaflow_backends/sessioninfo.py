"""Who runs what, where: the facts of a session's first line."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_metaflow_backends.records import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

MACHINE_ID = Path("/etc/machine-id")
TICK = 1e-3  # seconds
PLUGINS = ("pytest", "pytest-xdist", "pytest-rerunfailures", "pytest-timeout")


def new_session_id() -> str:
    """Make an id that sorts by time and is unique on one machine and across many."""
    return f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}"


def describe(
    session: str,
    columns: Iterable[str],
    context: str,
    args: Iterable[str],
    redact: Callable[[str], str],
    after: float = 0.0,
) -> Session:
    """Collect the session's facts; imports nothing heavy and never fails on a missing package.

    `after` is the earliest start that it may claim, in seconds since the epoch.
    """
    ci = continuous_integration(os.environ)
    return Session(
        id=session,
        started=max(time.time(), after),
        columns=tuple(columns),
        context=context,
        python=platform.python_version(),
        metaflow=version_of("metaflow"),
        platform=platform.platform(terse=True),
        machine="" if ci else machine_of(platform.node()),
        extensions=_extensions(),
        plugins={name: version for name in PLUGINS if (version := version_of(name))},
        ci=ci,
        args=tuple(redact(arg) for arg in args),
    )


def machine_of(name: str) -> str:
    """Give eight characters that differ from machine to machine, and tell nothing else.

    Source: machine-id(5), which is not to be shown as it is; beside it the host's name.
    """
    try:
        number = MACHINE_ID.read_text(encoding="ascii")
    except (OSError, ValueError):
        number = ""
    return hashlib.sha256(f"metaflow-backends {number} {name}".encode()).hexdigest()[:8]


def after_all_in(records: Path) -> float:
    """Give a time after the start of every session in a folder, though the clock was set back."""
    starts = [_start_of(path) for path in records.glob("*.jsonl")]
    return max(starts, default=0.0) + TICK


def _start_of(path: Path) -> float:
    try:
        with path.open(encoding="utf-8") as stream:
            first = json.loads(stream.readline())
        return float(first["started"]) if first["kind"] == "session" else 0.0
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def within(root: Path, args: Iterable[object]) -> list[str]:
    """Name paths of the project from its root: the next attempt may be at another place.

    A later attempt of a CI job is known by its arguments, among others (report/source.py).
    """
    top = str(root)
    return [str(arg).replace(f"{top}{os.sep}", "").replace(top, ".") for arg in args]


def context_of(environment: Mapping[str, str]) -> str:
    """Say in which context we are when nobody said it: `ci` where CI is set, else `dev`."""
    return "ci" if environment.get("CI", "").lower() not in {"", "0", "false", "no"} else "dev"


def continuous_integration(environment: Mapping[str, str]) -> dict[str, str]:
    """Describe the CI job this runs in; empty outside one.

    Source: GitHub's documented default variables.
    """
    if environment.get("GITHUB_ACTIONS") != "true":
        return {"provider": "other"} if context_of(environment) == "ci" else {}
    server, repo, run = (
        environment.get(name, "")
        for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    )
    return {
        "provider": "github",
        "job": environment.get("GITHUB_JOB", ""),
        "attempt": environment.get("GITHUB_RUN_ATTEMPT", "1"),
        "run": run,
        "url": f"{server}/{repo}/actions/runs/{run}",
    }


def version_of(name: str) -> str:
    """Give the version of an installed distribution, "" if it is not there."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _extensions() -> dict[str, str]:
    """Name the installed Metaflow extensions: distributions whose top level says so."""
    found = {}
    for distribution in metadata.distributions():
        top = distribution.read_text("top_level.txt") or ""
        if "metaflow_extensions" in top.split():
            found[distribution.name] = distribution.version
    return dict(sorted(found.items()))
