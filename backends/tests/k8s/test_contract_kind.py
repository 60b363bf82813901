"""What the provider kind has beyond an embedded cluster: names of services, a node by kubeadm."""

from __future__ import annotations

import pytest
from metaflow_backends.k8s.certificates import SERVICE_ADDRESS

pytestmark = [pytest.mark.backends("k8s/kind"), pytest.mark.timeout(180)]


def test_a_service_is_found_by_its_name(jobs):
    name = "kubernetes.default.svc.cluster.local"
    pod = jobs("python", "-c", f"import socket; print(socket.gethostbyname({name!r}))")
    pod.end()

    assert pod.log().strip() == SERVICE_ADDRESS


@pytest.mark.smoke
def test_the_cluster_is_what_kind_and_kubeadm_made(api):
    (node,) = api.get("/api/v1/nodes")["items"]
    where = "/api/v1/namespaces/kube-system"
    pods = {pod["metadata"]["labels"].get("component") for pod in api.get(f"{where}/pods")["items"]}

    assert node["metadata"]["name"] == "metaflow-control-plane"
    assert node["spec"]["providerID"].startswith("kind://")
    assert {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"} <= pods
