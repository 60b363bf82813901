"""What runs goes on while a program of the cluster is killed and started again."""

from __future__ import annotations

import time

import pytest
from metaflow_backends.k8s import K8s, Program

pytestmark = [pytest.mark.backends("k8s"), pytest.mark.timeout(240), pytest.mark.faults]
COUNTS = "for n in $(seq 40); do echo $n; sleep 0.2; done; exit 5"
slow = pytest.mark.slow


@pytest.fixture
def embedded(backend):
    """Give the cluster if it is one of our own programs; another's are not ours to kill."""
    if backend.running.provider != "embedded":
        pytest.skip("only the provider embedded runs the programs itself")
    return backend.running


@pytest.mark.parametrize(
    "name",
    [
        "kubelet",
        pytest.param("containerd", marks=slow),
        pytest.param("kube-apiserver", marks=slow),
        pytest.param("etcd", marks=slow),
        pytest.param("kube-controller-manager", marks=slow),
        pytest.param("kube-scheduler", marks=slow),
    ],
)
def test_a_pod_lives_on_and_its_end_and_all_its_lines_arrive(embedded, jobs, name):
    program = Program.of(embedded, name)
    pod = jobs("sh", "-c", COUNTS)
    pod.runs()

    program.kill()
    assert program.processes() == ()
    time.sleep(1)
    program.start()
    ended = healthy(embedded) and pod.end()

    assert ended["exitCode"] == 5
    assert pod.log().split() == [str(n) for n in range(1, 41)]


@slow
def test_a_cluster_whose_node_is_silent_is_not_healthy_and_recovers(embedded):
    program = Program.of(embedded, "kubelet")
    program.kill()
    try:
        until(lambda: not K8s().health(embedded).alive, "the node was still called ready")
        said = K8s().health(embedded).reason
    finally:
        program.start()

    assert "Kubelet stopped posting node status" in said
    assert healthy(embedded)


def healthy(running):
    until(lambda: K8s().health(running).alive, "the cluster did not recover")
    return True


def until(condition, otherwise, seconds=90.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.2)
