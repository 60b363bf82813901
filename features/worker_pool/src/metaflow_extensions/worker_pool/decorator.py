"""`@worker_pool`: what a flow says, and what Metaflow asks of a step decorator."""

from __future__ import annotations

from typing import Any, ClassVar

from metaflow.decorators import StepDecorator
from metaflow_extensions.worker_pool.errors import UnsupportedError
from metaflow_extensions.worker_pool.spec import NAMES, Spec
from metaflow_extensions.worker_pool.worker import entry

ELSEWHERE = ("kubernetes", "batch", "nomad", "slurm", "sandbox")  # decorators that take a step away
SCHEDULERS = ("argo-workflows", "step-functions", "airflow")  # commands that deploy a flow
FOREACH = "foreach"
NEVER = "never"  # METAFLOW_WORKER_POOL_LAUNCH: each item is a process, as in plain Metaflow

entry.wake()


class WorkerPoolDecorator(StepDecorator):
    """
    Runs the items of a foreach in processes that are reused.

    Results, logs, retries and the join are those of plain Metaflow; what is saved is a Python
    process, with its imports, for every item.

    Parameters
    ----------
    size : int or str, default "auto"
        Workers at a time. "auto": as many as CPUs, memory and --max-workers allow.
    isolation : str, default process
        process: items of a worker share its process. fork: each is a fork of a process that has
        loaded the flow and run nothing.
    max_items_per_worker : int, optional
        Items after which a worker is replaced.
    max_worker_age : int or str, optional
        90, '90s', '5m', '2h': the age at which a worker is replaced.
    max_rss_growth : int, default 300
        MB of memory beyond what a worker had after its first item, at which it is replaced.
    poison_after : int, default 3
        Workers that one item may kill before it is tried no more, whatever @retry says.
    """

    name = "worker_pool"
    defaults: ClassVar[dict[str, Any]] = dict.fromkeys(NAMES)
    supports_conda_environment = True

    spec: Spec
    pooled = False  # whether this step's items come to a pool
    pool: Any = None  # of this run and step

    def init(self) -> None:
        """Take from the configuration what the flow does not say, and refuse what cannot be."""
        from metaflow import metaflow_config as config

        for name in NAMES:
            value = getattr(config, f"WORKER_POOL_{name.upper()}", None)
            if self.attributes[name] is None and value is not None and value != "":
                self.attributes[name] = value
        self.spec = Spec.of(self.attributes)

    def step_init(
        self,
        flow: Any,
        graph: Any,
        step: str,
        decos: Any,
        environment: Any,
        flow_datastore: Any,
        logger: Any,
    ) -> None:
        self.step, self.graph = step, graph
        self.flow_datastore, self.logger = flow_datastore, logger
        self.pooled = _within_foreach(graph, step)
        if not self.pooled and self.statically_defined:
            raise UnsupportedError(
                f"step {step} is no item of a foreach; put @worker_pool on a step between"
                " self.next(..., foreach=...) and its join"
            )
        if self.pooled:
            _refuse(graph, step, decos)
            entry.take_over(step)

    def runtime_init(self, flow: Any, graph: Any, package: Any, run_id: str) -> None:
        from metaflow import metaflow_config as config
        from metaflow_extensions.worker_pool.local import pools

        if self.pooled and config.WORKER_POOL_LAUNCH != NEVER:
            self.pool = pools.begin(self, flow, run_id)

    def runtime_step_cli(
        self, cli_args: Any, retry_count: int, max_user_code_retries: int, ubf_context: Any
    ) -> None:
        if self.pool is not None and ubf_context:
            raise UnsupportedError(
                f"step {self.step} is a foreach over an unbounded input, whose tasks start each"
                " other; take @worker_pool off"
            )
        if hasattr(self.pool, "stand_in_front") and retry_count <= max_user_code_retries:
            self.pool.stand_in_front(cli_args)

    def runtime_finished(self, exception: Any) -> None:
        if self.pool is not None:
            self.pool.close()


def _within_foreach(graph: Any, step: str) -> bool:
    """Tell if a step runs once per item: it lies between a foreach and its join."""
    node = graph[step]
    if node.type == "join":  # the last parent is what it joins
        return any(graph[parent].type == FOREACH for parent in node.split_parents[:-1])
    return any(graph[parent].type == FOREACH for parent in node.split_parents)


def _refuse(graph: Any, step: str, decos: Any) -> None:
    """Say in one line what a pool cannot do, before anything starts."""
    parents = [graph[name] for name in graph[step].split_parents]
    if graph[step].parallel_step or any(parent.parallel_foreach for parent in parents):
        raise UnsupportedError(
            f"step {step} is @parallel: its tasks run at the same time; take @worker_pool off"
        )
    names = {deco.name for deco in decos}
    for name in ELSEWHERE:
        if name in names:
            raise UnsupportedError(
                f"step {step} has @{name} too, and pools are on this machine so far; take one off"
            )
    command = _scheduler()
    if command:
        raise UnsupportedError(
            f"{command} cannot run the pool of step {step}; take @worker_pool off to deploy it"
        )


def _scheduler() -> str | None:
    """Name the scheduler that this command deploys the flow to, if it does."""
    from metaflow._vendor import click

    context = click.get_current_context(silent=True)
    said = getattr(context and context.find_root(), "saved_args", None) or ()
    return said[0] if said and said[0] in SCHEDULERS and "create" in said else None
