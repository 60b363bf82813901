"""What a run that has ended tells about the items of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metaflow_extensions.worker_pool.errors import WorkerPoolError

PARTS = 3  # flow, run, step


@dataclass(frozen=True)
class Item:
    """The last attempt of an item; seconds since 1970."""

    created: float  # when the scheduler made the task
    began: float  # when its process had loaded everything, or its worker took it
    ended: float  # when its artifacts were stored

    @property
    def work(self) -> float:
        return max(0.0, self.ended - self.began)

    @property
    def start(self) -> float:
        return max(0.0, self.began - self.created)


def items_of(pathspec: str) -> list[Item]:
    """Read the tasks of a step.

    Raises WorkerPoolError if there is no such step, or nothing in it that has ended.
    """
    from metaflow import Step, namespace
    from metaflow.exception import MetaflowException

    if len(pathspec.split("/")) != PARTS:
        raise WorkerPoolError(f"{pathspec!r} is no step; say FLOW/RUN/STEP, e.g. MyFlow/1234/work")
    namespace(None)
    try:
        found = [item for task in Step(pathspec) if (item := _item(task))]
    except MetaflowException as error:
        raise WorkerPoolError(
            f"{pathspec} cannot be read: {error.message}; is it in this folder's .metaflow, or in"
            " METAFLOW_DATASTORE_SYSROOT_LOCAL?"
        ) from error
    if not found:
        raise WorkerPoolError(f"no item of {pathspec} has ended")
    return found


def _item(task: Any) -> Item | None:
    times: dict[str, float] = {}
    for datum in task.metadata:
        at = datum.created_at / 1000  # the client gives what was stored, milliseconds
        times[datum.name] = max(at, times.get(datum.name, 0.0))
    if "attempt" not in times or "attempt_ok" not in times:
        return None
    retried = any(d.name == "attempt" and d.value != "0" for d in task.metadata)
    created = times["attempt"] if retried else task.created_at.timestamp()
    return Item(created, times["attempt"], times["attempt_ok"])
