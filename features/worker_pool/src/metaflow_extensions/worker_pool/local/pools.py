"""Where a run's pools come from."""

from __future__ import annotations

import os
from typing import Any

from metaflow_extensions.worker_pool import blobs
from metaflow_extensions.worker_pool import lean as files
from metaflow_extensions.worker_pool.local import seam
from metaflow_extensions.worker_pool.local.pool import Pool
from metaflow_extensions.worker_pool.local.sizing import Machine, Size
from metaflow_extensions.worker_pool.progress.report import Report
from metaflow_extensions.worker_pool.worker import memory

SLOTS = 16  # what Metaflow takes without --max-workers


def begin(deco: Any, flow: Any, run_id: str) -> Pool:
    """Make the pool of a step for a run, which starts workers as items come."""
    from metaflow import metaflow_config as config

    slots = _slots()
    size = Size.of(deco.spec.size, slots, Machine.here(memory.now()))
    if size.workers > slots:
        deco.logger(
            f"@worker_pool: step {deco.step} has a pool of {size.workers}, and --max-workers lets"
            f" {slots} tasks run at a time; the others will be idle.",
            bad=True,
        )
    report = Report.of(deco, flow.name, run_id, size, launch="scheduler")
    seam.use()
    lean = str(config.WORKER_POOL_LEAN_FILES).lower() not in {"0", "false"}
    if lean:
        files.use()
    blobs.keep(deco.flow_datastore)
    return Pool(deco.spec, deco.step, min(size.workers, slots), report, lean=lean)


def _slots() -> int:
    """Read --max-workers of the command that runs the flow."""
    from metaflow._vendor import click

    context = click.get_current_context(silent=True)
    said = context.params.get("max_workers") if context is not None else None
    return int(said or os.environ.get("METAFLOW_RUN_MAX_WORKERS") or SLOTS)
