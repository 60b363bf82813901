"""Try what a step needs, one thing after the other, and say what helps where it fails."""

from __future__ import annotations

import getpass
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Timer
from typing import TYPE_CHECKING

from metaflow_extensions.nomad.api.client import Client
from metaflow_extensions.nomad.decorator import REMOTE, NomadDecorator
from metaflow_extensions.nomad.errors import NomadError
from metaflow_extensions.nomad.job import environment
from metaflow_extensions.nomad.job.document import document
from metaflow_extensions.nomad.job.identity import Attempt
from metaflow_extensions.nomad.job.trial import MARK, trial
from metaflow_extensions.nomad.launching import Launch
from metaflow_extensions.nomad.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10.0  # seconds


@dataclass(frozen=True)
class Finding:
    """How one thing fared."""

    what: str
    passed: bool
    text: str = ""  # what was found, or what helps

    def line(self) -> str:
        mark = "pass" if self.passed else "FAIL"
        return f"{mark}  {self.what}: {self.text}" if self.text else f"{mark}  {self.what}"


class Listener:
    """Collects what the job says."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.said: list[str] = []
        self.errors: list[str] = []

    def say(self, text: str, allocation: str = "") -> None:  # noqa: ARG002 - the contract's
        self.said.append(text)

    def line(self, stream: str, line: bytes, allocation: str) -> None:  # noqa: ARG002
        words = line.decode(errors="replace").split(" ", 3)
        if words[0] == MARK:
            text = words[3] if len(words) > 3 else ""  # noqa: PLR2004 - after mark, outcome, name
            self.findings.append(Finding(f"in the job: {words[2]}", words[1] == "passed", text))
        elif stream == "stderr":
            self.errors.append(" ".join(words))


def run(driver: str | None, image: str | None, timeout: float) -> Iterator[Finding]:
    """Yield findings until one makes the next ones pointless."""
    try:
        client = Client.here(PATIENCE)
        leader = client.leader()
    except NomadError as error:
        yield Finding("server", passed=False, text=str(error))
        return
    yield Finding(
        "server", bool(leader), f"{client.session.connection.address}, its leader is {leader}"
    )
    try:
        spec = _spec(driver, image)
    except NomadError as error:
        yield Finding("settings", passed=False, text=str(error))
        return
    yield Finding("settings", passed=True, text=f"driver {spec.driver}, image {spec.image}")
    store = _store()
    yield store
    if store.passed:
        yield from _in_a_job(client, spec, timeout)


def _spec(driver: str | None, image: str | None) -> Spec:
    made = NomadDecorator(attributes={"driver": driver, "image": image})
    made.external_init()
    return Spec.of(made.attributes)


def _store() -> Finding:
    from metaflow import metaflow_config as config

    kind = str(config.DEFAULT_DATASTORE)
    if kind not in REMOTE:
        text = f"{kind} cannot be reached from a node; set METAFLOW_DEFAULT_DATASTORE=s3"
        return Finding("datastore", passed=False, text=text)
    tried = "" if kind == "s3" else ", which is not tried in the job"
    return Finding("datastore", passed=True, text=f"{kind}{tried}")


def _in_a_job(client: Client, spec: Spec, timeout: float) -> Iterator[Finding]:
    from metaflow import metaflow_config as config

    attempt = Attempt("check", uuid.uuid4().hex[:8], "check", "1", 0, "", getpass.getuser())
    store = str(config.DEFAULT_DATASTORE)
    env = {**dict(spec.env), **environment.of_metaflow(store)}
    job = document(attempt, spec, trial(store, spec.executable), env)
    listener = Listener()
    launch = Launch(client, job, spec, listener, limit=timeout, queue=timeout)
    try:
        with _stopped_after(timeout, launch) as late:
            end = launch.run()
    except NomadError as error:
        yield Finding("job", passed=False, text=str(error))
        return
    finally:
        with suppress(NomadError):
            launch.stop()
    if late.is_set():
        last = listener.said[-1] if listener.said else "nothing was heard of it"
        yield Finding("job", passed=False, text=f"has not ended within {timeout:g} s: {last}")
        return
    yield Finding("job", end.succeeded, f"{job['ID']}: {end.sentence}")
    yield from listener.findings
    if not listener.findings:
        text = "; ".join(listener.errors) or "no output came back; the token needs read-logs"
        yield Finding("in the job", passed=False, text=text)
    elif store == "s3" and not any("datastore" in one.what for one in listener.findings):
        text = "; ".join(listener.errors[-3:])
        yield Finding("in the job: datastore", passed=False, text=text)


@contextmanager
def _stopped_after(seconds: float, launch: Launch) -> Iterator[Event]:
    """Stop a job that takes longer, e.g. since its image comes slowly; the event says so."""
    late = Event()

    def stop() -> None:
        late.set()
        with suppress(NomadError):
            launch.stop()

    timer = Timer(seconds, stop)
    timer.start()
    try:
        yield late
    finally:
        timer.cancel()
