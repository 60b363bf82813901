"""A cluster of our own leaves nothing, however it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from metaflow_backends.host.traces import Traces
from metaflow_backends.k8s import K8s, Program
from metaflow_backends.ownership import Ownership
from metaflow_backends.protocol import Running, Settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are root's"),
]
PROVIDERS = ("embedded", "kind")
START = """
import sys
from pathlib import Path
from metaflow_backends.k8s import K8s
from metaflow_backends.protocol import Settings
K8s().start(Settings("k8s", provider=sys.argv[1]), Path(sys.argv[2]))
"""


@pytest.mark.parametrize("provider", PROVIDERS)
def test_two_clusters_at_once_know_nothing_of_each_other_and_leave_nothing(tmp_path, provider):
    settings = Settings("k8s", provider=provider, options={"argo": True})
    before = Traces.now()
    homes = [tmp_path / name for name in ("one", "two")]
    running = []
    try:
        for home in homes:
            home.mkdir()
            running.append(K8s().start(settings, home))
        healthy = [K8s().health(one).alive for one in running]
        servers = {one.endpoints["kubernetes"] for one in running}
    finally:
        for home in homes:
            K8s().stop(Running(), home)

    assert healthy == [True, True]
    assert len(servers) == 2
    assert (Traces.now() - before).count() == 0
    assert [Ownership.of(home).tagged() for home in homes] == [(), ()]


def test_an_api_server_that_still_drains_is_in_nobodys_way(tmp_path):
    """After SIGTERM it serves its clients to the end, for a minute, and holds its port."""
    before = Traces.now()
    settings = Settings("k8s", options={"argo": False})
    first = K8s().start(settings, tmp_path)
    (server,) = Program.of(first, "kube-apiserver").processes()
    os.kill(server.pid, signal.SIGTERM)
    time.sleep(0.5)
    try:
        K8s().stop(Running(), tmp_path)
        second = K8s().start(settings, tmp_path)
        health = K8s().health(second)
    finally:
        K8s().stop(Running(), tmp_path)

    assert health.alive, health.reason
    assert (Traces.now() - before).count() == 0


@pytest.mark.parametrize(
    ("provider", "seconds"),
    [("embedded", 0.3), ("embedded", 2.0), ("embedded", 8.0), ("kind", 4.0), ("kind", 25.0)],
)
def test_a_start_that_was_killed_is_cleared_away(tmp_path, provider, seconds):
    before = Traces.now()
    start = subprocess.Popen([sys.executable, "-c", START, provider, str(tmp_path)])
    time.sleep(seconds)
    start.send_signal(signal.SIGKILL)
    start.wait()

    K8s().stop(Running(), tmp_path)
    K8s().stop(Running(), tmp_path)

    assert (Traces.now() - before).count() == 0
    assert Ownership.of(tmp_path).tagged() == ()
