"""Why a workflow failed, in the words of its pods: a step may die before Metaflow is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from metaflow_backends.k8s.api import Api

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
    yield api.text(
        f"/api/v1/namespaces/{namespace}/pods/{name}/log", container="main", tailLines=TAIL
    ).strip()


def _ended(pod: Mapping[str, Any]) -> str:
    """Say how the container ended that runs the step."""
    states = {one["name"]: one["state"] for one in pod["status"].get("containerStatuses", ())}
    ended = states.get("main", {}).get("terminated")
    if not ended:
        return f"failed: {pod['status'].get('message') or 'nothing more is known'}"
    reason = "" if ended.get("reason") in {None, "Error"} else f", {ended['reason']}"
    return f"ended with {ended.get('exitCode')}{reason}"
