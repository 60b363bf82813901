"""The seam in a worker: Metaflow's command `step`, which stops where a task would begin.

A worker is started with the very command of a task, so that the flow is `__main__`, and options,
decorators and the phase are a task's. All that is replaced is the name `MetaflowTask` in the module
of that command. `tests/test_seams.py` says so when Metaflow changes it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

from metaflow_extensions.worker_pool.wire import START
from metaflow_extensions.worker_pool.worker import randomness


@dataclass(frozen=True)
class Start:
    """What the scheduler tells a worker when it starts it."""

    step: str
    socket: int  # descriptor of the connection
    outputs: tuple[int, int]  # what it says until its first item: stdout, stderr
    fork: bool
    growth: int | None  # bytes of memory at which garbage is collected, and then told
    lean: bool
    beginning: str  # of random numbers in the scheduler, as `randomness.beginning`

    def text(self) -> str:
        return json.dumps(self.__dict__)

    @classmethod
    def read(cls, text: str) -> Start:
        told = json.loads(text)
        return cls(**{**told, "outputs": tuple(told["outputs"])})


def wake() -> None:
    """Do what a worker does before the flow's file has run; called when Metaflow is loaded."""
    randomness.remember()
    if START in os.environ:
        start = Start.read(os.environ[START])
        for descriptor in (start.socket, *start.outputs):
            os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes it so only


def take_over(step: str) -> None:
    """Make this process a worker of the step, if it was started as one."""
    text = os.environ.get(START)
    if text is None or (start := Start.read(text)).step != step:
        return
    del os.environ[START]  # not for what a step starts
    from metaflow.cli_components import step_cmd

    real = step_cmd.MetaflowTask

    class Worker:
        """Stands where a task would be made, and makes one for each item."""

        def __init__(self, *arguments: Any) -> None:
            self._arguments = arguments  # the flow comes first

        def run_step(self, *_: Any) -> None:
            from metaflow_extensions.worker_pool.worker.serve import serve

            serve(start, real, self._arguments)

    step_cmd.MetaflowTask = Worker
