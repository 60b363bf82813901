"""The seam in the scheduler: how Metaflow starts the process of a task.

Not public API: `metaflow.runtime.Worker`, whose `_launch` makes the command line and calls
`subprocess.Popen` through the module's own name. A subclass says whose task it is, and that name
is replaced by one whose Popen sends the commands of pooled steps to their pool; everything else
stays Metaflow's. `tests/test_seams.py` says so when Metaflow changes any of it.
"""

from __future__ import annotations

import inspect
import subprocess
from types import SimpleNamespace
from typing import Any

CALLED = ("_launch", "terminate", "clean", "kill", "fds", "read_logline")


def missing() -> str | None:
    """Say what the installed Metaflow lacks of the seam; None if nothing."""
    from metaflow import runtime

    worker: Any = getattr(runtime, "Worker", None)
    if getattr(worker, "pooled", False):  # by another step's pool
        return None
    if not inspect.isclass(worker):
        return "metaflow.runtime has no Worker"
    lacks = [name for name in CALLED if not callable(getattr(worker, name, None))]
    if lacks:
        return f"metaflow.runtime.Worker has no {lacks[0]}"
    if getattr(runtime, "subprocess", None) is None:
        return "metaflow.runtime does not use subprocess"
    if "subprocess.Popen" not in inspect.getsource(getattr(worker, CALLED[0])):
        return "metaflow.runtime.Worker._launch starts processes another way"
    return None


def use() -> None:
    """Let pooled steps come to their pools from now on, in this process."""
    from metaflow import runtime

    if getattr(runtime.Worker, "pooled", False):
        return
    launching = SimpleNamespace(task=None)
    runtime.subprocess = _Subprocess(launching)
    runtime.Worker = _worker(runtime.Worker, launching)


class _Subprocess:
    """The module `subprocess`, but for the Popen of a task that has a pool."""

    def __init__(self, launching: Any) -> None:
        self._launching = launching

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, argv: Any, **options: Any) -> Any:  # noqa: N802 - the name of what it stands for
        task = self._launching.task
        pool = None if task is None or task.is_cloned else _pool_of(task)
        handle = pool.start(argv, options["env"], task) if pool is not None else None
        return handle or subprocess.Popen(argv, **options)


def _pool_of(task: Any) -> Any:
    return next((deco.pool for deco in task.decos if deco.name == "worker_pool"), None)


def _worker(stock: Any, launching: Any) -> Any:
    class PooledWorker(stock):
        """Metaflow's Worker, which says whose process is being started."""

        pooled = True

        def _launch(self) -> Any:
            launching.task = self.task
            try:
                return super()._launch()
            finally:
                launching.task = None

        def terminate(self) -> Any:
            returncode = super().terminate()
            ended = getattr(self._proc, "pool", None)
            if ended is not None:
                ended.report.ended(self.task, returncode)
            return returncode

    return PooledWorker
