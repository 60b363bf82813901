"""Where a run's pools come from."""

from __future__ import annotations

import gc
import os
from typing import Any

from metaflow_extensions.worker_pool import blobs
from metaflow_extensions.worker_pool import lean as files
from metaflow_extensions.worker_pool.client.listener import Listener
from metaflow_extensions.worker_pool.local import seam
from metaflow_extensions.worker_pool.local.pool import Pool
from metaflow_extensions.worker_pool.local.sizing import Machine, Size
from metaflow_extensions.worker_pool.progress.report import Report
from metaflow_extensions.worker_pool.worker import memory

CLIENT = "client"  # METAFLOW_WORKER_POOL_LAUNCH
SLOTS = 16  # what Metaflow takes without --max-workers


def begin(deco: Any, flow: Any, run_id: str) -> Pool | Listener:
    """Make the pool of a step for a run, which starts workers as items come."""
    slots = _slots()
    size = Size.of(deco.spec.size, slots, Machine.here(memory.now()))
    if size.workers > slots:
        deco.logger(
            f"@worker_pool: step {deco.step} has a pool of {size.workers}, and --max-workers lets"
            f" {slots} tasks run at a time; the others will be idle.",
            bad=True,
        )
    missing = _no_seam(deco)
    launch = "client" if missing else "scheduler"
    report = Report.of(deco, flow.name, run_id, size, launch=launch)
    pool = Pool(deco.spec, deco.step, size, slots, report, lean=_faster(deco))
    if missing:
        return Listener(pool)
    seam.use()
    return pool


def _no_seam(deco: Any) -> str | None:
    """Tell why items come through clients, if they do, and say so."""
    from metaflow import metaflow_config as config

    wanted = config.WORKER_POOL_LAUNCH == CLIENT
    missing = "METAFLOW_WORKER_POOL_LAUNCH=client" if wanted else seam.missing()
    if missing:
        deco.logger(
            f"@worker_pool: {missing}, so that each item of step {deco.step} starts a small client"
            " of its pool, which takes about 15 ms; results are the same."
        )
    return missing


def _faster(deco: Any) -> bool:
    """Let files be written and artifacts be kept in this process as in the workers."""
    from metaflow import metaflow_config as config

    gc.freeze()  # what is loaded stays; a run of many items collects often
    blobs.keep(deco.flow_datastore)
    lean = str(config.WORKER_POOL_LEAN_FILES).lower() not in {"0", "false"}
    if lean:
        files.use()
    return lean


def _slots() -> int:
    """Read --max-workers of the command that runs the flow."""
    from metaflow._vendor import click

    context = click.get_current_context(silent=True)
    said = context.params.get("max_workers") if context is not None else None
    return int(said or os.environ.get("METAFLOW_RUN_MAX_WORKERS") or SLOTS)
