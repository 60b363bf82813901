"""A cluster that is not ours: used through its kubeconfig, and left as it was."""

from __future__ import annotations

import os
import time

import pytest
from metaflow_backends.k8s import K8s, api_of
from metaflow_backends.k8s.enclosure import Enclosure
from metaflow_backends.protocol import Running, Settings

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are root's"),
]


@pytest.fixture(scope="module")
def theirs(tmp_path_factory):
    """Start a cluster that the backend under test knows nothing of but its kubeconfig."""
    home = tmp_path_factory.mktemp("theirs")
    try:
        yield K8s().start(Settings("k8s", options={"argo": False}), home)
    finally:
        K8s().stop(Running(), home)


@pytest.fixture
def settings(theirs):
    options = {
        "argo": False,
        "kubeconfig": theirs.environment["KUBECONFIG"],
        "context": "metaflow",
        "image": theirs.details["image"],
        "address": Enclosure.of(theirs.details["enclosure"]).ground.gateway,
    }
    return Settings("k8s", variant="external", provider="external", options=options)


def names(running, kind):
    return {item["metadata"]["name"] for item in api_of(running).get(f"/api/v1/{kind}")["items"]}


def gone(running, namespace):
    """Wait until the cluster has taken a namespace away."""
    deadline = time.monotonic() + 60
    while namespace in names(running, "namespaces"):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_all_that_is_ours_is_one_namespace_which_goes_at_the_end(theirs, settings, tmp_path):
    before = {kind: names(theirs, kind) for kind in ("namespaces", "secrets", "serviceaccounts")}
    running = K8s().start(settings, tmp_path)
    try:
        made = names(theirs, "namespaces") - before["namespaces"]
        health = K8s().health(running)
    finally:
        K8s().stop(running, tmp_path)
    gone(theirs, running.details["namespace"])

    assert made == {running.details["namespace"]}
    assert health.alive
    assert {kind: names(theirs, kind) for kind in before} == before
    assert K8s().health(theirs).alive


def test_a_namespace_that_lost_our_mark_is_left_alone(theirs, settings, tmp_path):
    running = K8s().start(settings, tmp_path)
    api = api_of(theirs)
    namespace = running.details["namespace"]
    api.delete(f"/api/v1/namespaces/{namespace}")
    gone(theirs, namespace)
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})

    K8s().stop(running, tmp_path)

    phase = api.get(f"/api/v1/namespaces/{namespace}")["status"]["phase"]
    api.delete(f"/api/v1/namespaces/{namespace}")
    assert phase == "Active"
