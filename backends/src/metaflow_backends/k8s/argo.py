"""Argo Workflows on a cluster: its kinds of objects, its controller, and what tasks may do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from metaflow_backends import toolchain
from metaflow_backends.errors import BackendError
from metaflow_backends.k8s import manifests
from metaflow_backends.k8s.api import Api, ApiError
from metaflow_backends.protocol import Health
from metaflow_backends.spawning import spawn, wait_healthy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from metaflow_backends.k8s.provider import Cluster
    from metaflow_backends.ownership import Ownership
    from metaflow_backends.protocol import Process

DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WORKFLOWS = f"/apis/{manifests.ARGO}/v1alpha1/namespaces"
CONTROLLER = "workflow-controller"
LOG = f"{CONTROLLER}.log"
BEGUN = "Starting CronWorkflow controller"  # the last it says while it starts
# Between the end of a pod and the start of the next one the controller waits; its default of ten
# seconds would be most of a short flow. Its leases are for several controllers, and take seconds.
ENVIRONMENT = {
    "DEFAULT_REQUEUE_TIME": "250ms",
    "LEADER_ELECTION_DISABLE": "true",
    "WORKFLOW_GC_PERIOD": "1h",
    "INFORMER_WRITE_BACK": "false",
}


def definitions() -> tuple[Mapping[str, Any], ...]:
    """Read Argo's kinds of objects out of its own source."""
    import yaml

    folder = toolchain.source("argo") / "manifests" / "base" / "crds" / "minimal"
    texts = (path.read_text(encoding="utf-8") for path in sorted(folder.glob("argoproj.io_*.yaml")))
    found = tuple(document for text in texts for document in yaml.safe_load_all(text) if document)
    if not found:
        raise BackendError(f"{folder}: no definitions; the source of Argo is not as it was")
    return found


def install(api: Api, namespace: str, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Make Argo's kinds known, those that are there already stay, and give tasks their rights."""
    there = {item["metadata"]["name"] for item in api.get(DEFINITIONS)["items"]}
    for definition in wanted:
        if definition["metadata"]["name"] not in there:
            api.apply(definition)
    for manifest in manifests.executor_rights(namespace):
        api.apply(manifest)
    api.apply(manifests.controller_settings(namespace))


def start_controller(
    cluster: Cluster, home: Path, owner: Ownership, *, kubeconfig: Path, timeout: float
) -> Process:
    """Start the controller on this machine and wait until it sees workflows."""
    from metaflow_backends.host import clean

    log = home / "logs" / LOG
    argv = [str(toolchain.ensure(CONTROLLER).path), *arguments(cluster, kubeconfig)]
    process = spawn(argv, log=log, env=clean.environment(ENVIRONMENT), owner=owner)
    wait_healthy(partial(_watches, log), timeout, log, process)
    return process


def arguments(cluster: Cluster, kubeconfig: Path) -> list[str]:
    """Give the controller's arguments; it looks at one namespace alone."""
    return [
        f"--kubeconfig={kubeconfig}",
        *([f"--context={cluster.context}"] if cluster.context else []),
        f"--namespace={cluster.namespace}",
        "--namespaced",
        f"--managed-namespace={cluster.namespace}",
        "--configmap=workflow-controller-configmap",
        f"--executor-image={cluster.argoexec}",
        "--executor-image-pull-policy=IfNotPresent",
        "--qps=200",
        "--burst=400",
        "--loglevel=info",
    ]


def health(api: Api, namespace: str) -> Health:
    """Ask whether the cluster knows workflows."""
    try:
        api.get(f"{WORKFLOWS}/{namespace}/workflows", limit="1")
    except ApiError as error:
        return Health(alive=False, reason=str(error))
    return Health(alive=True)


def _watches(log: Path) -> Health:
    """Tell from its log whether it has begun to work: nothing else says so."""
    text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
    return Health(alive=BEGUN in text, reason="the controller has not begun to work")
