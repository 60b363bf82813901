"""The node of a cluster of our own: how it is, and where the logs of its pods lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends.k8s.api import Api, ApiError
from metaflow_backends.k8s.provider import NAMESPACE
from metaflow_backends.protocol import Health, LogFile

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def node_health(api: Api, name: str) -> Health:
    """Ask whether the node takes pods."""
    try:
        conditions = api.get(f"/api/v1/nodes/{name}")["status"].get("conditions", [])
    except ApiError as error:
        return Health(alive=False, reason=str(error))
    ready = next((one for one in conditions if one["type"] == "Ready"), None)
    if ready is None:
        return Health(alive=False, reason="the node has not said yet how it is")
    return Health(alive=ready["status"] == "True", reason=f"node: {ready['message']}")


def logs_of(folder: Path, pod: str) -> Sequence[LogFile]:
    """Name the logs in `folder` and, of the pods that kubelet writes below it, those of one."""
    own = [LogFile(path.stem, path) for path in sorted(folder.glob("*.log"))]
    found = folder.glob(f"pods/{NAMESPACE}_{pod}_*/*/*.log") if pod and "/" not in pod else ()
    return [*(LogFile(f"{path.parent.name}.{path.stem}", path) for path in found), *own]
