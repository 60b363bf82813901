"""What a test holds in its hand after a flow ran: the same on every backend."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.matrix.suggest import did_you_mean
from pytest_metaflow_backends.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping


class Opaque:
    """Stands for an artifact's value that has no JSON form or is too large to carry."""

    def __repr__(self) -> str:
        return "<opaque>"


OPAQUE = Opaque()


@dataclass(frozen=True)
class Artifact:
    """One artifact: never unpickled in the test's process, described by the backend's side."""

    type: str
    size: int  # bytes, as stored
    digest: str  # of the value in canonical form: equal values, equal digests
    value: Any = OPAQUE  # the JSON form of small plain values

    def to_json(self) -> dict[str, Any]:
        """Give the plain form; an opaque value is left out."""
        data = {"type": self.type, "size": self.size, "digest": self.digest}
        return data if self.value is OPAQUE else {**data, "value": self.value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Artifact:
        return cls(**data)


@dataclass(frozen=True)
class Output:
    """All a task wrote to one stream, without carrying it.

    Lines that Metaflow itself writes are left out, and paths in tracebacks are shortened to file
    names, so that equal output has an equal digest on every backend.
    """

    lines: int = 0
    digest: str = ""


@dataclass(frozen=True)
class TaskOutcome:
    """One task: its last attempt, and how many there were."""

    pathspec: str  # Flow/run/step/task
    step: str
    index: str  # foreach indices joined by "/", "" outside a foreach; orders siblings
    attempts: int
    status: str  # succeeded | failed | running (neither ended nor known to be dead)
    seconds: float = 0.0
    stdout: str = ""  # tail
    stderr: str = ""  # tail
    native: Mapping[str, str] = field(default_factory=dict)  # pod, allocation, container
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    stdout_all: Output = Output()
    stderr_all: Output = Output()
    tags: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {
            **plain,
            "artifacts": {name: item.to_json() for name, item in self.artifacts.items()},
            "stdout_all": asdict(self.stdout_all),
            "stderr_all": asdict(self.stderr_all),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> TaskOutcome:
        artifacts = {name: Artifact.from_json(item) for name, item in data["artifacts"].items()}
        return cls(
            **{
                **data,
                "artifacts": artifacts,
                "stdout_all": Output(**data["stdout_all"]),
                "stderr_all": Output(**data["stderr_all"]),
                "tags": tuple(data["tags"]),
                "system_tags": tuple(data["system_tags"]),
            }
        )


@dataclass(frozen=True, repr=False)
class FlowOutcome:
    """How a flow ended, with what a person asks for first."""

    flow: str
    run_id: str | None  # None: it died before a run existed
    status: str  # succeeded | failed
    exit_code: int
    seconds: float
    tasks: tuple[TaskOutcome, ...] = ()
    tags: tuple[str, ...] = ()
    system_tags: tuple[str, ...] = ()
    stdout: str = ""  # of the launcher, tail
    stderr: str = ""

    def to_json(self) -> dict[str, Any]:
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**plain, "tasks": [task.to_json() for task in self.tasks]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FlowOutcome:
        return cls(
            **{
                **data,
                "tasks": tuple(TaskOutcome.from_json(task) for task in data["tasks"]),
                "tags": tuple(data["tags"]),
                "system_tags": tuple(data["system_tags"]),
            }
        )

    @property
    def successful(self) -> bool:
        return self.status == "succeeded"

    def __repr__(self) -> str:
        """Be short: pytest shows it in every traceback."""
        tasks = counted(len(self.tasks), "task")
        return f"<{self.pathspec} {self.status} with {tasks} in {self.seconds:g} s>"

    @property
    def pathspec(self) -> str:
        """Name the run, or only the flow if there never was one."""
        return f"{self.flow}/{self.run_id}" if self.run_id else self.flow

    @property
    def failed_task(self) -> TaskOutcome | None:
        """Find the first task that failed; in a failed run without one, the first that never ended.

        Such a task was ended from outside, as Argo ends a pod that is over its time, and nobody
        noted down how.
        """
        failed = next((t for t in self.tasks if t.status == "failed"), None)
        if failed or self.successful:
            return failed
        return next((t for t in self.tasks if t.status == "running"), None)

    def step(self, name: str) -> tuple[TaskOutcome, ...]:
        """List the tasks of a step in foreach order.

        Raises LookupError, naming what ran, if it never did: a loop over nothing asserts nothing.
        """
        __tracebackhide__ = True
        found = tuple(t for t in self.tasks if t.step == name)
        if not found:
            ran = ", ".join(dict.fromkeys(t.step for t in self.tasks)) or "no step"
            raise LookupError(f"{self.pathspec}: step {name!r} never ran; what ran is: {ran}")
        return found

    def ran(self, step: str) -> bool:
        """Tell whether a step has a task."""
        return any(t.step == step for t in self.tasks)

    def task(self, step: str) -> TaskOutcome:
        """Give the only task of a step; LookupError names what is there instead."""
        __tracebackhide__ = True
        found = self.step(step)
        if len(found) != 1:
            raise LookupError(
                f"{self.pathspec}/{step}: {len(found)} tasks, expected exactly one; "
                f"outcome.step({step!r}) gives them all"
            )
        return found[0]

    def value(self, step: str, artifact: str) -> Any:  # noqa: ANN401 - whatever the flow stored
        """Give the value of an artifact of the only task of a step.

        Raises LookupError, with the nearest name, if the task has none of this name.
        """
        __tracebackhide__ = True
        task = self.task(step)
        if artifact not in task.artifacts:
            near = did_you_mean(artifact, task.artifacts)
            raise LookupError(f"{task.pathspec} has no artifact {artifact!r}{near}")
        return task.artifacts[artifact].value
