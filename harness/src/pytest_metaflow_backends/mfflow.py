"""What the fixture `mf_flow` hands to a test: run a flow, get an outcome, the same everywhere."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pytest_metaflow_backends.flow.driver import run_flow
from pytest_metaflow_backends.flow.reasons import reason_of
from pytest_metaflow_backends.flow.request import FlowRequest
from pytest_metaflow_backends.flow.snapshot import snapshot
from pytest_metaflow_backends.records import RunRef, Snapshot, TaskRef
from pytest_metaflow_backends.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_metaflow_backends.flow.outcome import FlowOutcome, TaskOutcome
    from pytest_metaflow_backends.item import ItemState
    from pytest_metaflow_backends.lifecycle import Active
    from pytest_metaflow_backends.redact import Redactor

Expectation = Literal["success", "failure"] | None


@dataclass(frozen=True, repr=False)
class FlowStarter:
    """Runs flow files on one column and notes each run for the report and the comparison."""

    active: Active
    state: ItemState
    here: Path  # folder of the test file: relative flow paths start there
    folder: Path  # the flows' working directory, one per test
    hook: Any  # pytest's hook relay, which has no public type
    redact: Redactor

    def __call__(
        self,
        path: str | os.PathLike[str],
        *,
        command: str = "run",
        parameters: Mapping[str, Any] | None = None,
        decospecs: Sequence[str] = (),
        tags: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        top: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
        timeout: float | None = None,
        expect: Expectation = "success",
        name: str = "run",
        compare: bool = True,
    ) -> FlowOutcome:
        """Run a flow and describe what it left.

        `timeout` is in seconds (default: the matrix's). `name` tells several runs of one test
        apart in the comparison between columns; `compare=False` leaves a run out of it.

        Raises AssertionError if the flow ends otherwise than expected (None expects nothing),
        FlowTimeoutError if it does not end in time.
        """
        __tracebackhide__ = True
        column = self.active.column
        complete = self._environment(environment or {})
        self.redact.learn(complete, parameters or {})
        outcome = run_flow(
            FlowRequest(
                path=self.here / path,
                command=command,
                parameters=dict(parameters or {}),
                decospecs=(*column.decospecs, *decospecs),
                tags=tuple(tags),
                top=dict(top or {}),
                options={**self._defaults(command), **(options or {})},
                mode="deployer" if column.scheduler_type else "runner",
                scheduler_type=column.scheduler_type,
                deploy_args=dict(column.deploy_args),
                timeout=column.timeout if timeout is None else timeout,
                environment=complete,
                cwd=self.folder,
            )
        )
        self._note(outcome, name, compare=compare)
        self._check(outcome, expect)
        return outcome

    def __repr__(self) -> str:
        """Be short: pytest shows it in every traceback."""
        return f"<mf_flow on {self.active.column.name}>"

    def _defaults(self, command: str) -> dict[str, Any]:
        limit = self.active.running.details.get("max_workers")
        return {"max_workers": limit} if limit and command in {"run", "resume"} else {}

    def _environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        complete = self.active.environ(os.environ)
        complete |= dict(extra)
        self.hook.pytest_metaflow_environment(active=self.active, environment=complete)
        return complete

    def _note(self, outcome: FlowOutcome, name: str, *, compare: bool) -> None:
        failed = [task for task in outcome.tasks if task.status != "succeeded"]
        self.state.runs.append(
            RunRef(
                pathspec=outcome.pathspec,
                status=outcome.status,
                seconds=outcome.seconds,
                tasks=tuple(self._task(task) for task in failed),
            )
        )
        if compare:
            column = self.active.column
            self.state.snapshots.append(
                Snapshot(
                    key=self.state.key,
                    backend=column.backend,
                    variant=column.variant,
                    name=self._unused(name),
                    data=snapshot(outcome),
                )
            )

    def _unused(self, name: str) -> str:
        """Give runs of one name numbers: each is compared with the run of its number elsewhere."""
        taken = {snapshot.name for snapshot in self.state.snapshots}
        names = (name, *(f"{name} {number}" for number in range(2, len(taken) + 3)))
        return next(one for one in names if one not in taken)

    def _task(self, task: TaskOutcome) -> TaskRef:
        native = dict(task.native) or dict(self.active.native(task.metadata))
        return TaskRef(
            pathspec=task.pathspec,
            attempts=task.attempts,
            status=task.status,
            native=native,
            stdout=task.stdout,
            stderr=task.stderr,
        )

    def _check(self, outcome: FlowOutcome, expect: Expectation) -> None:
        __tracebackhide__ = True
        if expect is None or outcome.successful == (expect == "success"):
            return
        if expect == "failure":
            raise AssertionError(f"{outcome.pathspec} was expected to fail, and succeeded")
        task = outcome.failed_task
        if task is None:
            native = self.active.explain(outcome.run_id)
            said = self.redact(native) or outcome.stderr or outcome.stdout
            where = f"{outcome.pathspec} failed before a task did (exit code {outcome.exit_code})"
        else:
            said = task.stderr or task.stdout
            where = f"{task.pathspec} failed after {counted(task.attempts, 'attempt')}"
        reason = reason_of(said)
        raise AssertionError(f"{where}{f': {reason}' if reason else ''}\n{said}")
