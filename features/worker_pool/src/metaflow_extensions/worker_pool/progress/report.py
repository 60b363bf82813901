"""What a pool tells of itself: to people, and to machines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool.progress.counts import Counts
from metaflow_extensions.worker_pool.progress.events import Events, folder_of
from metaflow_extensions.worker_pool.progress.screen import Screen

if TYPE_CHECKING:
    from metaflow_extensions.worker_pool.local.sizing import Size

FOREACH = "foreach"


class Report:
    """Counts what happens in the pool of a step, and passes it on."""

    def __init__(self, deco: Any, counts: Counts, events: Events, screen: Screen) -> None:
        self._deco, self._counts, self._events, self._screen = deco, counts, events, screen
        self._warned: set[str] = set()
        self._parents: set[str] = set()
        self._shown = False  # the last line of all

    @classmethod
    def of(cls, deco: Any, flow: str, run_id: str, size: Size, *, launch: str) -> Report:
        from metaflow import metaflow_config as config

        every = config.WORKER_POOL_PROGRESS
        screen = Screen.here(deco.logger, None if every is None else float(every))
        folder = folder_of(config.WORKER_POOL_EVENTS, deco.flow_datastore, flow, run_id)
        events = Events.of(folder, deco.step)
        events.write(
            "pool", step=deco.step, size=size.workers, reason=size.reason,
            isolation=deco.spec.isolation.value, launch=launch,
        )  # fmt: skip
        return cls(deco, Counts(deco.step), events, screen)

    def took(self, task: Any) -> None:
        self._screen.quieter(task)
        self._add_siblings(task)
        self._counts.took(task.retries)
        self._item(task, "taken")
        self._screen.show(self._counts.line)

    def ended(self, task: Any, code: int) -> None:
        self._counts.ended(code, time.monotonic())
        counts = {"done": self._counts.done, "total": self._counts.total}
        self._item(task, "failed" if code else "finished", code=code, **counts)
        self._shown = self._counts.complete
        self._screen.show(self._counts.line, last=self._shown)

    def _item(self, task: Any, state: str, **more: Any) -> None:
        whose = {"task": task.task_id, "index": task.split_index, "attempt": task.retries}
        self._events.write("item", **whose, state=state, **more)

    def _add_siblings(self, task: Any) -> None:
        """Add the items of a foreach that has not been seen yet to the total."""
        graph, parent = self._deco.graph, task.input_paths[0]
        if parent in self._parents or graph[graph[task.step].in_funcs[0]].type != FOREACH:
            return
        self._parents.add(parent)
        run_id, step, task_id = parent.split("/")[:3]
        store = self._deco.flow_datastore.get_task_datastore(run_id, step, task_id)
        self._counts.total += int(store["_foreach_num_splits"] or 0)

    def worker(self, state: str, pid: int, why: str = "") -> None:
        self._counts.recycled += state == "recycled"
        self._events.write("worker", pid=pid, state=state, why=why)

    def left_behind(self, left: list[str]) -> None:
        """Warn once of each kind of thing that items leave in their worker."""
        if left:
            self._events.write("left", what=left)
        for text in left:
            kind = text.partition(" (")[0]
            if kind not in self._warned:
                self._warned.add(kind)
                self._deco.logger(
                    f"@worker_pool: an item of step {self._deco.step} left something behind for the"
                    f" next ones, which is undone or ends its worker: {text}. Said once.",
                    bad=True,
                )

    def no_forks(self, threads: list[str]) -> None:
        """Warn once that items are processes of their own, although forks were asked for."""
        if threads and "forks" not in self._warned:
            self._warned.add("forks")
            self._deco.logger(
                f"@worker_pool: step {self._deco.step} asks for forks, but the flow's file starts"
                f" threads ({', '.join(threads)}), with which no fork is safe; each item is a"
                " process of its own. Start them in a step, or take isolation='process'.",
                bad=True,
            )

    def close(self) -> None:
        counts = self._counts
        if (counts.done or counts.failed) and not self._shown:
            self._screen.show(counts.line, last=True)
        told = {n: getattr(counts, n) for n in ("done", "failed", "retried", "recycled")}
        self._events.write("end", **told)
        self._events.close()
