"""What comes up must go down: whole starts and stops of a real Nomad, and killed ones."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from metaflow_backends.errors import BackendError
from metaflow_backends.nomad import Agent, Api, Nomad, jobs
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Settings

pytestmark = pytest.mark.usefixtures("root")
NOTHING = {
    "processes": [], "near": [], "mounts": [], "groups": [], "namespaces": [], "links": [],
}  # fmt: skip


def _settings(**options) -> Settings:
    return Settings(name="nomad", start_timeout=60.0, options={"datastore": False, **options})


@pytest.fixture
def up(home, left):
    """Start a Nomad for the length of a block; nothing of it may be left afterwards."""

    @contextmanager
    def start(where=home, **options):
        try:
            yield Nomad().start(_settings(docker="none", **options), where)
        finally:
            Nomad().stop(None, where)

    yield start
    assert left() == NOTHING


def _sleeper(driver: str = "raw_exec") -> dict:
    return jobs.command(driver, ["sleep", "600"])


def test_a_stop_leaves_nothing_of_running_tasks(up, left):
    with up() as running:
        api = Api.of(running.environment)
        api.register(jobs.batch("a", _sleeper()))
        api.allocation("a", lambda one: one["ClientStatus"] == "running")

        before = left()

        assert len(before["processes"]) >= 4  # server, client, executor, logger, the task
        assert len(before["mounts"]) >= 1
        assert len(before["groups"]) >= 1
    assert left() == NOTHING


def test_namespaces_go_with_a_stop(up, left):
    with up(profile="multi") as running:
        before = left()

        assert Nomad().health(running).alive
        assert len(before["namespaces"]) == 4  # of the server and three clients
        assert len(before["links"]) == 1  # to the machine; the others are in the server's
    assert left() == NOTHING


def test_logs_outlive_a_stop_and_data_does_not(up, home):
    with up() as running:
        api = Api.of(running.environment)
        api.register(jobs.batch("a", jobs.command("raw_exec", ["echo", "kept"])))
        native = {"nomad-alloc-id": api.ended("a")["ID"]}

    found = {log.name: log.path for log in Nomad().logs(running, native)}

    assert found["step.stdout.0"].read_text() == "kept\n"
    assert {"server", "client-1"} <= set(found)
    assert not (home / "nomad").exists()


def test_a_second_stop_does_nothing(up, home):
    with up():
        pass
    left = sorted(home.rglob("*"))

    Nomad().stop(None, home)

    assert sorted(home.rglob("*")) == left
    assert Ownership.of(home).tagged() == ()


def test_a_port_that_is_taken_is_named(home):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(BackendError) as caught:
            Nomad().start(_settings(docker="none", port=port), home)

    assert str(caught.value) == (
        f"port {port} is taken by another program; end it, or leave out the option `port`"
    )


def test_a_wanted_port_is_used(up):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    with up(port=port) as running:
        assert running.endpoints["nomad"] == f"http://127.0.0.1:{port}"


def test_two_checkouts_do_not_meet(up, tmp_path):
    """Both use the same control groups; the stop of one must not touch the other's tasks."""
    second = tmp_path / "second"
    second.mkdir()
    with up() as one:
        with up(where=second) as other:
            for running in (one, other):
                Api.of(running.environment).register(jobs.batch("a", _sleeper()))
                Api.of(running.environment).allocation("a", _runs)
        api = Api.of(one.environment)

        assert _runs(api.allocations("a")[-1])
        assert Nomad().health(one).alive
        assert not Nomad().health(other).alive
        api.register(jobs.batch("b", jobs.command("raw_exec", ["true"])))
        assert api.ended("b")["ClientStatus"] == "complete"


def _runs(allocation) -> bool:
    return bool(allocation["ClientStatus"] == "running")


STARTER = """
import sys
from pathlib import Path
from metaflow_backends.nomad import Nomad
from metaflow_backends.protocol import Settings
options = {"docker": "none", "datastore": False, "profile": sys.argv[2]}
Nomad().start(Settings(name="nomad", start_timeout=60.0, options=options), Path(sys.argv[1]))
"""


@pytest.mark.parametrize("profile", ["plain", "multi"])
@pytest.mark.parametrize("seconds", [0.3, 0.8, 1.5, 2.2])
def test_a_start_that_is_killed_leaves_nothing_after_a_stop(up, home, left, seconds, profile):
    child = subprocess.Popen([sys.executable, "-c", STARTER, str(home), profile])
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()

    Nomad().stop(None, home)

    assert left() == NOTHING
    with up() as running:
        assert Nomad().health(running).alive


def test_an_agent_that_dies_at_once_says_why(up, home, monkeypatch):
    """The end of its log is part of the error."""
    configure = Agent.configure

    def wrong(self, content):
        configure(self, {**content, "datacentre": "dc1"})

    monkeypatch.setattr(Agent, "configure", wrong)

    with pytest.raises(BackendError, match=r"^server: ended before it answered; (.|\n)*datacentre"):
        up().__enter__()

    Nomad().stop(None, home)


def test_nothing_of_the_callers_environment_reaches_an_agent_or_a_task(up, monkeypatch):
    """AWS_CA_BUNDLE would end the agent, and tasks of raw_exec see what their agent sees."""
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere.pem")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with up() as running:
        api = Api.of(running.environment)
        api.register(jobs.batch("a", jobs.command("raw_exec", ["env"])))
        printed = api.log(api.ended("a")["ID"], "step", "stdout").decode()

    names = {line.partition("=")[0] for line in printed.splitlines()}

    assert {n for n in names if not n.startswith("NOMAD_")} == {"PATH", "METAFLOW_BACKENDS_OWNER"}
