"""Do to a store what a run does for so many trivial items, in one process: floor.py ITEMS.

Prints the milliseconds of CPU that each took.
"""

# ruff: noqa: SLF001 - it does what Metaflow does to its own objects
import sys
import time

from items import ItemsFlow
from metaflow.datastore.flow_datastore import FlowDataStore
from metaflow.event_logger import NullEventLogger
from metaflow.metaflow_environment import MetaflowEnvironment
from metaflow.monitor import NullMonitor
from metaflow.plugins.datastores.local_storage import LocalStorage
from metaflow.plugins.metadata_providers.local import LocalMetadataProvider
from metaflow.system import _system_logger, _system_monitor
from metaflow.task import MetaflowTask
from metaflow_extensions.worker_pool.worker.kept import Kept

LOGS = {"stdout": b"", "stderr": b""}


class Floor:
    """A run of the flow whose tasks all happen here."""

    def __init__(self, items: int) -> None:
        flow = ItemsFlow(use_cli=False)
        flow._process_config_decorators([])
        environment = MetaflowEnvironment(flow)
        events = NullEventLogger(flow=flow, env=environment)
        monitor = NullMonitor(flow, environment)
        _system_logger.init_system_logger(flow.name, events)
        _system_monitor.init_system_monitor(flow.name, monitor)
        LocalStorage.datastore_root = LocalStorage.get_datastore_root_from_config(print)
        self.metadata = LocalMetadataProvider(environment, flow, events, monitor)
        FlowDataStore.default_storage_impl = LocalStorage
        self.store = FlowDataStore(flow.name, environment, self.metadata, events, monitor)
        self.others = (self.store, self.metadata, environment, print, events, monitor, None)
        self.run = self.metadata.new_run_id()
        self.kept = Kept.of(ItemsFlow)
        self.parameters(flow, items)

    def parameters(self, flow: ItemsFlow, items: int) -> None:
        given = {"items": items, "compute": 0.0, "wait": 0.0, "uneven": 0, "leak": 0}
        flow._set_constants(flow._graph, given, {})
        task = self.metadata.new_task_id(self.run, "_parameters")
        output = self.store.get_task_datastore(self.run, "_parameters", task, attempt=0, mode="w")
        output.init_task()
        flow._task_ok = flow._success = True
        flow._foreach_stack = []
        output.persist(flow)
        output.done()

    def task(self, step: str, parent: str, index: int | None) -> str:
        """Do what the scheduler and the process of a task do; gives its pathspec."""
        task = self.metadata.new_task_id(self.run, step)
        output = self.store.get_task_datastore(self.run, step, task, attempt=0, mode="w")
        output.init_task()
        flow = ItemsFlow(use_cli=False)
        MetaflowTask(flow, *self.others).run_step(step, self.run, task, None, [parent], index, 0, 0)
        output.save_metadata({"runtime": {"return_code": 0, "killed": False, "success": True}})
        found = self.store.get_task_datastore(self.run, step, task)
        for name in ("_foreach_num_splits", "_foreach_stack", "_transition"):
            found.get(name)
        output.save_logs("runtime", LOGS)
        self.kept.restore()
        return f"{self.run}/{step}/{task}"


def main(items: int) -> None:
    floor = Floor(items)
    start = floor.task("start", f"{floor.run}/_parameters/0", None)
    before = time.process_time()
    for index in range(items):
        floor.task("work", start, index)
    print((time.process_time() - before) * 1000 / items)


if __name__ == "__main__":
    main(int(sys.argv[1]))
