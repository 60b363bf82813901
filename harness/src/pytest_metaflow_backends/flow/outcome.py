"""What a test holds in its hand after a flow ran: the same on every backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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


@dataclass(frozen=True)
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

    @property
    def successful(self) -> bool:
        return self.status == "succeeded"

    @property
    def pathspec(self) -> str:
        return f"{self.flow}/{self.run_id}"

    @property
    def failed_task(self) -> TaskOutcome | None:
        """Find the first task that failed, if any."""
        return next((t for t in self.tasks if t.status == "failed"), None)

    def step(self, name: str) -> tuple[TaskOutcome, ...]:
        """List the tasks of a step in foreach order; empty if it never ran."""
        return tuple(t for t in self.tasks if t.step == name)

    def task(self, step: str) -> TaskOutcome:
        """Give the only task of a step; LookupError names what is there instead."""
        found = self.step(step)
        if len(found) != 1:
            raise LookupError(f"{self.pathspec}/{step}: {len(found)} tasks, expected exactly one")
        return found[0]

    def value(self, step: str, artifact: str) -> Any:  # noqa: ANN401 - whatever the flow stored
        """Give the value of an artifact of the only task of a step."""
        return self.task(step).artifacts[artifact].value
