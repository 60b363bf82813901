"""In the task: where it runs goes to its metadata, and its launcher is watched."""

from __future__ import annotations

import gc
import os
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


def begin(metadata: Any, run: str, step: str, task: str, attempt: int) -> None:
    """Register where the task runs, and end it if nobody waits for it any more."""
    from metaflow_extensions.nomad.task import objects, orphan

    _register(metadata, run, step, task, attempt)
    limit = float(os.environ.get(LAUNCHER, "0"))
    if limit and "MF_PATHSPEC" in os.environ:
        place = orphan.path(os.environ["MF_PATHSPEC"], attempt)
        orphan.guard(objects.here(), place, limit, orphan.end_task)
    # What is loaded by now stays to the end. To look at it again each time, and to take it down
    # then, is a quarter of a second of every task.
    gc.freeze()


def _register(metadata: Any, run: str, step: str, task: str, attempt: int) -> None:
    from metaflow.metadata_provider import MetaDatum

    tags = [f"attempt_id:{attempt}"]
    known = {field: os.environ.get(name, "") for field, name in WHERE.items()}
    entries = [MetaDatum(field, value, field, tags) for field, value in known.items() if value]
    metadata.register_metadata(run, step, task, entries)


def end(metadata: Any, datastore: Any) -> None:
    """Send local metadata to the datastore, from where the launcher takes it."""
    from metaflow.metadata_provider.util import sync_local_metadata_to_datastore
    from metaflow.metaflow_config import DATASTORE_LOCAL_DIR

    if metadata is not None and metadata.TYPE == "local":
        sync_local_metadata_to_datastore(DATASTORE_LOCAL_DIR, datastore)
