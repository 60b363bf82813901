"""The backend `fake`: scripted faults around one real process, to test a pipeline in seconds.

Flows run on it as on `local`. Its process, port and state are real things that can leak and be
counted. The faults that strike while tests run are caused by `act`, once per test.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from metaflow_backends import fake_server, keys, sandbox
from metaflow_backends.errors import BackendError, InfrastructureError
from metaflow_backends.local import CAPABILITIES, details, probe_metaflow, versions
from metaflow_backends.options import check_no_provider
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Health, LogFile, Probe, Process, Running, Settings
from metaflow_backends.script import Script
from metaflow_backends.spawning import spawn, stop, wait_healthy

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

GRACE = 2.0  # seconds between SIGTERM and SIGKILL
ANSWER_TIMEOUT = 5.0  # seconds for one health check
FOREVER = 1e9  # seconds
LOST = 70  # exit code of a process that loses its report


class BrokenPromiseError(Exception):
    """The backend declares a capability that does not work; looks like any failing test."""


class Fake:
    """A backend that does what its options say; see `Script` for all of them."""

    kind = "fake"
    capabilities = CAPABILITIES | {"logs.native"}

    def check(self, settings: Settings) -> None:
        check_no_provider(settings)
        Script.of(settings)

    def probe(self, settings: Settings) -> Probe:
        script = Script.of(settings)
        if script.unavailable:
            return Probe.no(script.unavailable, "remove the option 'unavailable'")
        return probe_metaflow()

    def start(self, settings: Settings, home: Path) -> Running:
        script = Script.of(settings)
        log = home / "logs" / "server.log"
        token = keys.generate(8)
        process = _serve(script, home, log, token)
        check = partial(_ask_at, home / "port", token)
        wait_healthy(check, settings.start_timeout, log, process)
        if script.start_error:
            raise BackendError(script.start_error.replace("{token}", token))
        return Running(
            environment=sandbox.make(home),
            processes=(process,),
            endpoints={"health": _address(home / "port")},
            versions=versions(),
            provider="embedded",
            logs=str(log.parent),
            details=_details(script, home, token),
        )

    def stop(self, running: Running, home: Path) -> None:
        """End the server, also one that a killed start left; a scripted leak is left alone."""
        for process in running.processes or Ownership.of(home).recorded():
            stop(process, GRACE)

    def health(self, running: Running) -> Health:
        return _ask(running.endpoints["health"], running.details["token"])

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:  # noqa: ARG002 - the contract's
        return (LogFile(name="server", path=Path(running.logs) / "server.log"),)

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002 - the contract's
        return {}

    def act(self, running: Running, needs: Collection[str] = ()) -> None:
        """Let the scripted faults strike; called once per test, by any process.

        Raises InfrastructureError, BackendError or BrokenPromiseError as scripted; may also end
        the calling process (`loses_report`).
        """
        act(running, needs)


def act(running: Running, needs: Collection[str] = ()) -> None:
    """Let the scripted faults of a running fake strike for one more test, which needs `needs`."""
    script = Script(**running.details["script"])
    home = Path(running.details["home"])
    tests = _count(home / "tests")
    if script.dies_after is not None and tests > script.dies_after:
        for process in running.processes:
            stop(process, GRACE)
        raise BackendError(f"fake died, as scripted, after {script.dies_after} tests")
    if tests <= script.flaky:
        raise InfrastructureError(f"fake flakes, as scripted: {tests} of {script.flaky}")
    if script.loses_report and _count(home / "lost") == 1:
        os._exit(LOST)
    if lies := sorted(set(script.lies) & set(needs)):
        raise BrokenPromiseError(f"fake declares {', '.join(lies)}, and it does not work")


def _serve(script: Script, home: Path, log: Path, token: str) -> Process:
    start = partial(spawn, log=log, env={}, owner=Ownership.of(home))
    late = FOREVER if script.never else script.late
    server = [str(fake_server.__file__), str(home), token, str(late), str(script.slow_stop)]
    process = start([sys.executable, "-S", "-I", *server])
    if script.leaks:
        start([sys.executable, "-S", "-I", "-c", "import time; time.sleep(600)", str(home)])
    return process


def _details(script: Script, home: Path, token: str) -> dict[str, object]:
    told = {"max_workers": script.max_workers} if script.max_workers else {}
    return {**details(home), **told, "home": str(home), "token": token, "script": asdict(script)}


def _count(path: Path) -> int:
    """Count up in a file, across processes, and give the new number."""
    with FileLock(path.with_suffix(".lock")):
        number = json.loads(path.read_text(encoding="ascii")) + 1 if path.exists() else 1
        path.write_text(json.dumps(number), encoding="ascii")
    return int(number)


def _address(port: Path) -> str:
    return f"http://127.0.0.1:{port.read_text(encoding='ascii')}/"


def _ask_at(port: Path, token: str) -> Health:
    if not port.exists():
        return Health(alive=False, reason="it has not opened its port")
    return _ask(_address(port), token)


def _ask(address: str, token: str) -> Health:
    """Ask for the token: an answer without it comes from somebody else on a port used again."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=ANSWER_TIMEOUT) as answer:
            alive = answer.read(100).decode("utf-8", "replace") == token
    except (OSError, urllib.error.URLError) as error:
        return Health(alive=False, reason=f"{address} does not answer: {error}")
    return Health(alive=alive, reason="" if alive else f"{address} is answered by another program")
