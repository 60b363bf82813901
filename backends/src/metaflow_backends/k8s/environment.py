"""The environment with which Metaflow's `@kubernetes` and Argo find a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends.k8s.manifests import ACCOUNT, SECRET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaflow_backends.k8s.provider import Cluster

# Many small pods have to fit on one node; a test that needs more asks for it.
CPU, MEMORY, DISK = "0.1", "256", "100"  # cores, MB, MB


def for_pods(cluster: Cluster) -> dict[str, str | None]:
    """Give what `@kubernetes` reads; pods get the keys of the datastore from a secret."""
    return {
        "KUBECONFIG": str(cluster.kubeconfig),
        "METAFLOW_KUBERNETES_NAMESPACE": cluster.namespace,
        "METAFLOW_KUBERNETES_CONTAINER_IMAGE": cluster.image,
        "METAFLOW_KUBERNETES_IMAGE_PULL_POLICY": "IfNotPresent",
        "METAFLOW_KUBERNETES_SERVICE_ACCOUNT": ACCOUNT,
        "METAFLOW_KUBERNETES_SECRETS": SECRET,
        "METAFLOW_KUBERNETES_CPU": CPU,
        "METAFLOW_KUBERNETES_MEMORY": MEMORY,
        "METAFLOW_KUBERNETES_DISK": DISK,
        "METAFLOW_KUBERNETES_FETCH_EC2_METADATA": None,
        # The images have everything that a task needs.
        "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1",
    }


def for_service(endpoint: str) -> dict[str, str | None]:
    """Give what makes flows, here and in pods, use a metadata service."""
    return {
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_SERVICE_URL": endpoint,
        "METAFLOW_SERVICE_INTERNAL_URL": endpoint,
        "METAFLOW_SERVICE_AUTH_KEY": None,
    }


def in_secret(credentials: Mapping[str, str]) -> dict[str, str]:
    """Give what goes into the secret."""
    return {**credentials, "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1"}
