from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import psutil
import pytest
from _pytest.mark.expression import Expression

SERVER = "forkserver.server"  # in the command line of what launchers are forked from


def pytest_ignore_collect(collection_path, config):
    """Leave units alone where tests of a backend are asked for, which would deselect them anyway.

    To import them imports Metaflow, and that reads its settings once, before a backend's are known.
    """
    expression = config.option.markexpr
    if not expression or _is_contract(collection_path) or collection_path.suffix != ".py":
        return None
    return not Expression.compile(expression).evaluate(lambda *_, **__: False) or None


def pytest_pycollect_makemodule(module_path):
    """Let Metaflow load the extension before a module of units imports from it."""
    if not _is_contract(module_path):
        import metaflow  # noqa: F401


def _is_contract(path):
    return path.name.startswith(("test_contract", "conftest"))


@pytest.fixture
def environment(backend):
    """What flows on this backend are given, for programs that are no flows."""
    kept = {
        n: v for n, v in os.environ.items() if not n.startswith(("METAFLOW_", "NOMAD_", "AWS_"))
    }
    return kept | {n: v for n, v in backend.running.environment.items() if v is not None}


@pytest.fixture
def connected(mf_runner, environment):  # noqa: ARG001 - it sets Metaflow up for the column first
    """Connect to the column's agent, or to what stands before it."""
    import metaflow  # noqa: F401 - it loads the extension, so it comes first
    from metaflow_extensions.nomad.api.client import Client
    from metaflow_extensions.nomad.api.session import Session
    from metaflow_extensions.nomad.connection import Connection

    def connect(namespace=None, **other):
        connection = Connection.of({**environment, **other}, {})
        return Client(Session(connection, patience=120), namespace, None)

    return connect


@pytest.fixture
def client(connected):
    return connected()


@pytest.fixture
def job_of(client):  # noqa: ARG001 - Metaflow comes first
    """Describe a job of our own for a command."""
    from metaflow_extensions.nomad.job.document import document
    from metaflow_extensions.nomad.job.identity import Attempt
    from metaflow_extensions.nomad.spec import Spec

    def describe(*argv, env=(), **said):
        spec = Spec.of({"driver": "raw_exec", "memory": 64, "cpu": 50, "disk": 150, **said})
        attempt = Attempt("Made", uuid.uuid4().hex[:8], "start", "1", 0, "s3://b")
        return document(attempt, spec, argv, dict(env)), spec

    return describe


class Screen:
    def __init__(self, seen):
        self.seen = seen  # is called for every line
        self.said, self.lines = [], {"stdout": [], "stderr": []}

    def say(self, text, allocation=""):
        self.said.append(text)

    def line(self, stream, line, allocation):
        self.lines[stream].append(line)
        self.seen()


@pytest.fixture
def launched(client, job_of):
    """Run a command as one attempt; gives how it ended, what was shown, and the job's name."""
    from metaflow_extensions.nomad.launching import Launch

    jobs = []

    def run(*argv, limit=None, env=(), seen=str, waiting=str, through=client, **said):
        job, spec = job_of(*argv, env=env, **said)
        jobs.append(job["ID"])
        screen = Screen(seen)
        through.session.waiting.tell = waiting
        return Launch(through, job, spec, screen, limit).run(), screen, job["ID"]

    yield run
    for name in jobs:
        client.deregister(name)


@pytest.fixture
def faults(backend):
    """What can be done to the cluster."""
    return backend.backend.faults(backend.running)


@pytest.fixture
def eventually():
    """Wait until something is there, and give it."""

    def wait(find, seconds=60.0):
        until = time.monotonic() + seconds
        while not (found := find()):
            assert time.monotonic() < until, "it never came to be"
            time.sleep(0.1)
        return found

    return wait


class Started:
    """A flow that runs, in a process group of its own."""

    def __init__(self, process, lines):
        self.process, self._lines = process, lines

    def starts(self):
        """List the starts of the step's code: (attempt, allocation, job)."""
        text = self._lines.read_text() if self._lines.exists() else ""
        return [tuple(line.split()) for line in text.splitlines()]

    def launchers(self):
        """Find the processes that see steps through: forks of one, or the commands themselves."""
        return launchers_of(self.process.pid)

    def kill(self):
        kill_all(self.process.pid)

    def ended(self, seconds=120):
        out, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode, out


def kill_all(pid):
    """Kill a run with all that it started here, so that nobody can stop what runs elsewhere."""
    run = psutil.Process(pid)
    family = (*run.children(recursive=True), run)
    for one in family:
        one.suspend()  # or the last would act on the end of the first
    for one in family:
        one.kill()


@pytest.fixture
def killed():
    """Kill a run and all that it started here."""
    return kill_all


def launchers_of(pid):
    family = psutil.Process(pid).children(recursive=True)
    servers = {one.pid for one in family if any(SERVER in word for word in one.cmdline())}
    forks = [one for one in family if one.ppid() in servers]
    return forks or [one for one in family if {"nomad", "step"} <= set(one.cmdline())]


@pytest.fixture
def counted(environment, tmp_path):
    """Start the flow that counts how often its code begins."""
    begun = []

    def start(seconds=20.0, **more):
        flow = Path(__file__).parent / "flows/counted.py"
        argv = [sys.executable, str(flow), "--no-pylint", "run", "--file", str(tmp_path / "starts")]
        process = subprocess.Popen(
            [*argv, "--seconds", str(seconds)], cwd=tmp_path, env={**environment, **more},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        begun.append(process)
        return Started(process, tmp_path / "starts")

    yield start
    for process in begun:
        if process.poll() is None:
            os.killpg(process.pid, 9)
        process.communicate()
