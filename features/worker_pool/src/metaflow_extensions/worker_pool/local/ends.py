"""Ends that an item did not choose: what killed it, whether it was done, and when it is enough."""

from __future__ import annotations

import signal
from collections import defaultdict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metaflow_extensions.worker_pool.local.handle import Handle

FIELD = "worker-pool-cause"  # in the task's metadata


def reason(code: int) -> str:
    """Say how a process ended: 'was killed by SIGKILL', 'exited with code 3'."""
    if code >= 0:
        return f"exited with code {code}"
    with suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"


def finished_before_death(task: Any) -> bool:
    """Tell if an attempt was complete when its worker died, so that only its word was lost."""
    from metaflow.datastore.exceptions import DataException

    with suppress(DataException, KeyError):
        store = task._flow_datastore.get_task_datastore(  # noqa: SLF001 - the task's own store
            task.run_id, task.step, task.task_id, attempt=task.retries
        )
        return bool(store["_task_ok"])
    return False


def record(task: Any, text: str) -> None:
    """Keep the cause with the attempt, where the client finds it."""
    from metaflow.metadata_provider import MetaDatum

    tags = [f"attempt_id:{task.retries}"]
    datum = MetaDatum(field=FIELD, value=text, type=FIELD, tags=tags)
    task.metadata.register_metadata(task.run_id, task.step, task.task_id, [datum])


class Deaths:
    """The workers that each item has killed."""

    def __init__(self, poison_after: int | None) -> None:
        self._enough = poison_after
        self._of: defaultdict[str, list[str]] = defaultdict(list)

    def counted(self, handle: Handle, code: int) -> int:
        """Charge a death to an item; gives the code that Metaflow's @retry decides by."""
        task, text = handle.task, f"worker {handle.pid} {reason(code)}"
        record(task, text)
        task.log(f"Its {text}.", system_msg=True, pid=handle.pid)
        causes = self._of[task.task_id]
        causes.append(reason(code))
        # What @catch is to handle goes on: its last attempts run no code of the user.
        if self._enough is not None and len(causes) >= self._enough and not task.error_retries:
            self._stop(task, causes)
        return code

    def _stop(self, task: Any, causes: list[str]) -> None:
        """Leave no further attempt to a poisonous item."""
        if task.retries < task.user_code_retries:
            task.log(
                f"{task.path} (item {task.split_index}) is poison: its {len(causes)} attempts each"
                f" ended their worker ({', '.join(causes)}), so that it is not tried again. Mend"
                " the step, or allow more with @worker_pool(poison_after=...).",
                system_msg=True,
            )
            task.user_code_retries = task.retries
