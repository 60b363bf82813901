"""Why a workflow failed, in the words of its pods: a step may die before Metaflow is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends.k8s.api import Api, ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

BELONGS = "workflows.argoproj.io/workflow"  # label of a pod: the workflow it is a node of
NODE = "workflows.argoproj.io/node-name"  # annotation of a pod
TAIL = "20"  # lines


def explain(api: Api, namespace: str, workflow: str) -> str:
    """Give node, how it ended and the last lines of each pod of a workflow that failed.

    Raises ApiError if the cluster does not answer. Source: Argo Workflows, "Pod metadata".
    """
    pods = api.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"{BELONGS}={workflow}")
    failed = [pod for pod in pods["items"] if pod["status"].get("phase") == "Failed"]
    return "\n".join(line for pod in failed for line in _told(api, namespace, pod))


def _told(api: Api, namespace: str, pod: Mapping[str, Any]) -> Iterator[str]:
    name = pod["metadata"]["name"]
    yield f"{pod['metadata']['annotations'].get(NODE, name)} {_ended(pod)}:"
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/log"
    try:
        yield api.text(path, container="main", tailLines=TAIL).strip()
    except ApiError as error:  # its container never began, or the pod has just gone
        yield f"(no log: {error})"


def _ended(pod: Mapping[str, Any]) -> str:
    """Say how the first container ended that failed: before the step's own come its helpers."""
    status = pod["status"]
    helpers = status.get("initContainerStatuses", ())
    main = [one for one in status.get("containerStatuses", ()) if one["name"] == "main"]
    for one in (*helpers, *main):
        ended = one["state"].get("terminated")
        if ended and ended.get("exitCode") != 0:
            which = "" if one["name"] == "main" else f"{one['name']} "
            reason = "" if ended.get("reason") in {None, "Error"} else f", {ended['reason']}"
            return f"{which}ended with {ended.get('exitCode')}{reason}"
    return f"failed: {status.get('message') or status.get('reason') or 'nothing more is known'}"
