"""Our own daemon: it comes up, leaves nothing, survives kills, and says what is wrong."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from metaflow_backends import images
from metaflow_backends.docker import Daemon, Docker, Runtime
from metaflow_backends.docker.daemon import _settings, ping
from metaflow_backends.errors import BackendError
from metaflow_backends.host.ground import Ground
from metaflow_backends.launch import bring_up, take_down
from metaflow_backends.options import OptionError
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Running, Settings
from metaflow_backends.state import Folder

pytestmark = pytest.mark.timeout(240)
OWN = Settings(name="docker", options={"daemon": "own"}, start_timeout=120.0)
START = """
import sys
from pathlib import Path
from metaflow_backends import images
from metaflow_backends.docker import Daemon, Docker
from metaflow_backends.protocol import Running, Settings
settings = Settings(name="docker", options={"daemon": "own"}, start_timeout=60.0)
Docker().start(settings, Path(sys.argv[1]))
"""


@pytest.mark.usefixtures("nothing_left")
def test_a_daemon_of_our_own_with_containers_leaves_nothing(tmp_path):
    folder = Folder.of(tmp_path, "docker")
    with folder.lock(10):
        state = bring_up(Docker(), OWN, folder)
        host = state.running.environment["DOCKER_HOST"]
        image = state.running.details["image"]
        subprocess.run(["docker", "-H", host, "run", "-d", image, "sleep", "600"], check=True)
        alive = Docker().health(state.running)
        take_down(state, folder, Docker())

    assert alive.alive
    assert not Docker().health(state.running).alive
    assert not (folder.home_of(state) / "docker").exists()


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("seconds", [0.3, 1.5, 4.0])
def test_a_start_that_was_killed_is_cleared_away_by_another_process(tmp_path, seconds):
    home = tmp_path / "home"
    home.mkdir()
    starter = subprocess.Popen([sys.executable, "-c", START, str(home)])
    time.sleep(seconds)
    starter.send_signal(signal.SIGKILL)
    starter.wait()

    Docker().stop(Running(), home)

    assert Ownership.of(home).tagged() == ()
    assert not Ground(Ownership.of(home).tag).folder.exists()


@pytest.mark.usefixtures("nothing_left")
def test_two_daemons_live_beside_each_other(tmp_path):
    folders = [Folder.of(tmp_path / name, "docker") for name in ("one", "two")]
    with folders[0].lock(10), folders[1].lock(10):
        states = [bring_up(Docker(), OWN, folder) for folder in folders]
        hosts = {state.running.environment["DOCKER_HOST"] for state in states}
        alive = [Docker().health(state.running).alive for state in states]
        for state, folder in zip(states, folders, strict=True):
            take_down(state, folder, Docker())

    assert alive == [True, True]
    assert len(hosts) == 2


@pytest.mark.slow  # dockerd may not find its old containerd again, once in some tries
@pytest.mark.usefixtures("nothing_left")
def test_containers_live_on_while_their_daemon_is_killed_and_started_again(home):
    owner = Ownership.of(home)
    daemon = Daemon(Ground(owner.tag), home)
    first = daemon.start(owner, 60.0)
    try:
        images.load_into_docker(images.ensure("base"), daemon.host)
        ask = ["docker", "-H", daemon.host]
        count = "n=0; while :; do n=$((n+1)); echo $n; sleep 0.1; done"
        name = images.ensure("base").name
        subprocess.run(
            [*ask, "run", "-d", "--name", "counter", name, "bash", "-c", count], check=True
        )
        os.kill(first.pid, signal.SIGKILL)
        time.sleep(1.0)
        daemon.start(owner, 60.0)
        time.sleep(1.0)
        said = subprocess.check_output([*ask, "logs", "counter"], text=True).split()
    finally:
        daemon.stop(owner)

    assert said == [str(number) for number in range(1, len(said) + 1)]
    assert len(said) > 10


def test_a_dead_daemon_behind_a_live_socket_is_one_clear_line(tmp_path, monkeypatch):
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")

    probe = Docker().probe(Settings(name="docker", options={"daemon": "running"}))

    assert not probe.available
    assert probe.reason.startswith(f"no daemon answers at {path}: ")
    assert probe.cure == "start a Docker daemon, or set DOCKER_HOST"


def test_a_daemon_that_hangs_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("metaflow_backends.docker.daemon.ANSWER", 0.2)
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(path))
        hanging.listen()
        health = ping(path)

    assert not health.alive
    assert "timed out" in health.reason


def test_a_daemon_elsewhere_is_refused(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")

    with pytest.raises(BackendError, match="only daemons on this machine"):
        Docker().probe(Settings(name="docker"))


def test_an_unknown_way_to_get_a_daemon_is_named():
    with pytest.raises(OptionError, match="daemon is 'mine', and must be one of auto"):
        Docker().probe(Settings(name="docker", options={"daemon": "mine"}))


def test_without_root_no_daemon_can_be_started(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    probe = Docker().probe(OWN)

    assert probe.reason == "no Docker daemon answers, and only root can start one"


def test_what_answers_without_http_is_no_daemon(tmp_path):
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with ThreadPoolExecutor(1) as pool:
            told = pool.submit(ping, path)
            connection, _ = other.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")
            health = told.result()

    assert not health.alive
    assert health.reason.startswith(f"no daemon answers at {path}: ")


def test_our_own_daemon_does_not_ask_for_the_callers(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")

    assert Docker().probe(OWN).available


def test_our_own_daemon_names_its_groups_itself_also_where_systemd_does():
    assert _settings(None)["exec-opts"] == ["native.cgroupdriver=cgroupfs"]
    assert _settings(Runtime("other", Path("/r")))["runtimes"] == {"other": {"path": "/r"}}
