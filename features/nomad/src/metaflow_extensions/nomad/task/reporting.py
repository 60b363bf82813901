"""In the task: where it runs goes to its metadata, its logs to the datastore, and it is watched."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from metaflow_extensions.nomad.job.environment import LAUNCHER, WORKLOAD

if TYPE_CHECKING:
    from collections.abc import Mapping

# Field of the metadata -> variable of the task.
WHERE = {
    "nomad-job-id": "NOMAD_JOB_ID",
    "nomad-alloc-id": "NOMAD_ALLOC_ID",
    "nomad-namespace": "NOMAD_NAMESPACE",
    "nomad-region": "NOMAD_REGION",
    "nomad-datacenter": "NOMAD_DC",
    "nomad-node-id": "METAFLOW_NOMAD_NODE_ID",
    "nomad-node-name": "METAFLOW_NOMAD_NODE_NAME",
    "nomad-driver": "METAFLOW_NOMAD_TASK_DRIVER",
    "nomad-image": "METAFLOW_NOMAD_TASK_IMAGE",
    "nomad-cpu-mhz": "NOMAD_CPU_LIMIT",
    "nomad-memory-mb": "NOMAD_MEMORY_LIMIT",
}


def on_nomad(environment: Mapping[str, str]) -> bool:
    """Say whether this is a task of ours, not what @catch does in the launcher's place."""
    return WORKLOAD in environment


def begin(metadata: Any, run: str, step: str, task: str, attempt: int) -> Any:
    """Register where the task runs, begin to save its logs; gives what `end` wants."""
    from metaflow.sidecar import Sidecar
    from metaflow_extensions.nomad.task import objects, orphan

    _register(metadata, run, step, task, attempt)
    sidecar = Sidecar("save_logs_periodically")
    sidecar.start()
    limit = float(os.environ.get(LAUNCHER, "0"))
    if limit and "MF_PATHSPEC" in os.environ:
        place = orphan.path(os.environ["MF_PATHSPEC"], attempt)
        orphan.guard(objects.here(), place, limit, orphan.end_task)
    return sidecar


def _register(metadata: Any, run: str, step: str, task: str, attempt: int) -> None:
    from metaflow.metadata_provider import MetaDatum

    tags = [f"attempt_id:{attempt}"]
    known = {field: os.environ.get(name, "") for field, name in WHERE.items()}
    entries = [MetaDatum(field, value, field, tags) for field, value in known.items() if value]
    metadata.register_metadata(run, step, task, entries)


def end(sidecar: Any, metadata: Any, datastore: Any) -> None:
    """Send local metadata to the datastore, from where the launcher takes it."""
    from metaflow.metadata_provider.util import sync_local_metadata_to_datastore
    from metaflow.metaflow_config import DATASTORE_LOCAL_DIR

    if metadata is not None and metadata.TYPE == "local":
        sync_local_metadata_to_datastore(DATASTORE_LOCAL_DIR, datastore)
    if sidecar is not None:
        with suppress(Exception):
            sidecar.terminate()
