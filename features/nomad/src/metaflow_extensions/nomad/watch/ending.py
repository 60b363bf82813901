"""Why a task ended: one cause, the sentence a person reads, and whether a retry makes sense.

What Nomad desires is looked at before how the task fared: a task that was killed ends as
`complete`, without a failure.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from metaflow_extensions.nomad.job.command import TIMED_OUT
from metaflow_extensions.nomad.task.claim import TAKEN

if TYPE_CHECKING:
    from metaflow_extensions.nomad.spec import Spec
    from metaflow_extensions.nomad.watch.allocation import Allocation, Event


class Cause(str, Enum):
    """Why an attempt ended."""

    DONE = "done"
    EXIT = "exit code"
    MEMORY = "out of memory"
    SIGNAL = "signal"
    TIMEOUT = "timeout"
    PREEMPTED = "preempted"
    DRAINED = "drained"
    STOPPED = "stopped"
    LOST = "node lost"
    IMAGE = "image"
    VALIDATION = "validation"
    DRIVER = "driver"
    SECRET = "secret"  # noqa: S105 - of a template
    DISK = "disk"
    QUEUE = "no place"
    REPLACED = "replaced"
    COLLECTED = "collected"
    REFUSED = "refused"


FINAL = frozenset({Cause.VALIDATION, Cause.QUEUE, Cause.SECRET, Cause.STOPPED, Cause.REFUSED})
NO_SUCH_IMAGE = ("not found", "does not exist", "pull access denied", "manifest unknown",
                 "invalid reference")  # fmt: skip
HOOK = "Task hook failed"  # what the node does before the driver starts the task
KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True)
class Ending:
    """How an attempt ended."""

    cause: Cause
    sentence: str
    exit_code: int = 1
    retry: bool = True

    @property
    def succeeded(self) -> bool:
        return self.cause is Cause.DONE


def judge(allocation: Allocation, spec: Spec) -> Ending:
    """Say how an allocation ended that is over, or that Nomad takes away."""
    return _taken_away(allocation) or _never_ran(allocation) or _ran(allocation, spec)


def ending(cause: Cause, sentence: str, exit_code: int = 1) -> Ending:
    """Name an ending; its cause decides whether a retry makes sense."""
    return Ending(cause, sentence, exit_code, retry=cause not in FINAL)


def _taken_away(allocation: Allocation) -> Ending | None:
    node = allocation.node
    if allocation.away:
        return ending(Cause.LOST, f"the node {node} is lost: it answers no more")
    if allocation.desired == "evict" or allocation.preempted_by:
        return ending(Cause.PREEMPTED, f"preempted on {node} by a job of higher priority")
    if allocation.draining:
        return ending(Cause.DRAINED, f"the node {node} was drained")
    if allocation.migrating:
        return ending(Cause.PREEMPTED, f"the allocation was stopped on {node} by somebody")
    if allocation.desired == "stop" and not _ended_by_itself(allocation):
        return ending(Cause.STOPPED, f"the job was stopped by somebody ({allocation.description})")
    return None


def _ended_by_itself(allocation: Allocation) -> bool:
    return allocation.event("Terminated") is not None and allocation.event("Killing") is None


def _never_ran(allocation: Allocation) -> Ending | None:
    if found := allocation.event("Failed Validation"):
        return ending(Cause.VALIDATION, f"Nomad refuses the task: {found.text}")
    if found := allocation.event("Driver Failure"):
        return _driver(found)
    if found := allocation.event("Setup Failure", "Failed Artifact Download", HOOK):
        return _not_set_up(found)
    if found := allocation.event("Disk Resources Exceeded"):
        return ending(Cause.DISK, f"the task wrote more than its disk holds: {found.text}")
    if (found := allocation.event("Template")) and not allocation.started:
        return ending(Cause.SECRET, f"a secret is not there: {found.text}")
    return None


def _not_set_up(found: Event) -> Ending:
    if found.text.startswith("validate"):
        return ending(Cause.VALIDATION, f"the node refuses the task: {found.text}")
    return ending(Cause.DRIVER, f"the node could not set the task up: {found.text}")


def _driver(found: Event) -> Ending:
    text = " ".join(found.text.split())
    if "image" not in text.lower() and "Failed to pull" not in text:
        return ending(Cause.DRIVER, f"the driver could not start the task: {text}")
    missing = any(words in text for words in NO_SUCH_IMAGE)
    return Ending(Cause.IMAGE, f"the image cannot be had: {text}", retry=not missing)


def _ran(allocation: Allocation, spec: Spec) -> Ending:
    end = allocation.event("Terminated")
    if end is None:
        return ending(Cause.DRIVER, f"the task ended on {allocation.node}, nothing says how")
    code = int(end.details.get("exit_code", "1"))
    number = int(end.details.get("signal", "0"))
    if code == 0 and number == 0:  # also where a child was killed for memory, and that was handled
        return Ending(Cause.DONE, "Task finished with exit code 0.", 0)
    if end.details.get("oom_killed") == "true":
        return ending(Cause.MEMORY, _memory(spec), code or KILLED)
    return ending(*_meaning(code, number, spec), code)


def _meaning(code: int, number: int, spec: Spec) -> tuple[Cause, str]:
    """Say what a code, or a signal, means that is no success."""
    if code == TAKEN:
        return Cause.REPLACED, "another allocation of this attempt had begun before"
    if code == TIMED_OUT:
        return Cause.TIMEOUT, "the step ran longer than its @timeout"
    if code == KILLED and spec.driver == "raw_exec":
        may = f"it may have used more than memory={spec.memory} MB, which raw_exec does not tell"
        return Cause.SIGNAL, f"the task was killed with SIGKILL; {may}"
    if number or code > 128:  # noqa: PLR2004 - 128 + signal is the shell's way to say it
        return Cause.SIGNAL, f"the task ended by {_signal(number or code - 128)}"
    return Cause.EXIT, f"the task ended with exit code {code}"


def _memory(spec: Spec) -> str:
    limit = spec.memory_max or spec.memory
    return f"out of memory: the task used more than {limit} MB; raise memory, or use @resources"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
