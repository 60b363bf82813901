"""Every way to end has one cause, one sentence and one decision. As a Nomad 1.11.2 tells them."""

from __future__ import annotations

import pytest
from metaflow_extensions.nomad.spec import Spec
from metaflow_extensions.nomad.watch.allocation import Allocation
from metaflow_extensions.nomad.watch.ending import Cause, judge

STARTED = "2026-11-23T10:00:00Z"


def allocation(*events, client="failed", desired="run", started=STARTED, **fields):
    task = {"State": "dead", "Failed": client == "failed", "StartedAt": started, "Events": events}
    return Allocation.of(
        {
            "ID": "0123456789",
            "NodeName": "node-1",
            "ClientStatus": client,
            "DesiredStatus": desired,
            "TaskStates": {"step": task},
            **fields,
        }
    )


def terminated(code, signal=0, *, oom=False):
    details = {"exit_code": str(code), "signal": str(signal), "oom_killed": str(oom).lower()}
    return {"Type": "Terminated", "Details": details}


def event(kind, text):
    return {"Type": kind, "DisplayMessage": text}


KILLING = {"Type": "Killing"}
MIGRATE = {"DesiredTransition": {"Migrate": True}}
DRAIN = {"DesiredTransition": {"Migrate": True, "MigrateDisablePlacement": True}}
ENDED = {
    "done": (allocation(terminated(0), client="complete"), Cause.DONE, "exit code 0", 0, True),
    "exit code": (allocation(terminated(3)), Cause.EXIT, "exit code 3", 3, True),
    "memory, docker": (allocation(terminated(137, oom=True)), Cause.MEMORY, "4096 MB", 137, True),
    "memory, exec": (allocation(terminated(137, 9, oom=True)), Cause.MEMORY, "4096 MB", 137, True),
    "memory of a child": (allocation(terminated(0, oom=True)), Cause.DONE, "code 0", 0, True),
    "signal": (allocation(terminated(139, 11)), Cause.SIGNAL, "SIGSEGV", 139, True),
    "signal of a child": (allocation(terminated(134)), Cause.SIGNAL, "SIGABRT", 134, True),
    "executor died": (allocation(terminated(-1)), Cause.EXIT, "exit code -1", -1, True),
    "time": (allocation(terminated(124)), Cause.TIMEOUT, "@timeout", 124, True),
    "came second": (allocation(terminated(203)), Cause.REPLACED, "begun before", 203, True),
    "killed, by us": (
        allocation(KILLING, terminated(143, 15), client="complete", desired="stop"),
        Cause.STOPPED, "stopped by somebody", 1, False,
    ),
    "ended before it was stopped": (
        allocation(terminated(0), client="complete", desired="stop"),
        Cause.DONE, "exit code 0", 0, True,
    ),
    "lost": (allocation(client="lost", desired="stop"), Cause.LOST, "node node-1 is lost", 1, True),
    "unknown": (allocation(client="unknown"), Cause.LOST, "node node-1 is lost", 1, True),
    "preempted": (
        allocation(KILLING, terminated(0), client="complete", desired="evict",
                   PreemptedByAllocation="9"),
        Cause.PREEMPTED, "higher priority", 1, True,
    ),
    "drained": (
        allocation(KILLING, terminated(0), client="complete", desired="stop", **DRAIN),
        Cause.DRAINED, "node-1 was drained", 1, True,
    ),
    "stopped alone": (
        allocation(KILLING, terminated(0), client="complete", desired="stop", **MIGRATE),
        Cause.PREEMPTED, "stopped on node-1", 1, True,
    ),
    "refused by the node": (
        allocation(event("Task hook failed", 'validate: running as user "root" is disallowed'),
                   started=""),
        Cause.VALIDATION, '"root" is disallowed', 1, False,
    ),
    "set up in vain": (
        allocation(event("Task hook failed", "logmon: no process"), started=""),
        Cause.DRIVER, "could not set the task up: logmon", 1, True,
    ),
    "no such image": (
        allocation(event("Driver Failure", "Failed to pull `x:1`: image not found"), started=""),
        Cause.IMAGE, "image not found", 1, False,
    ),
    "image, for now": (
        allocation(event("Driver Failure", "Failed to pull image: i/o timeout"), started=""),
        Cause.IMAGE, "i/o timeout", 1, True,
    ),
    "registry, for now": (
        allocation(event("Driver Failure", "Failed to pull `x:1`: i/o timeout"), started=""),
        Cause.IMAGE, "i/o timeout", 1, True,
    ),
    "driver": (
        allocation(event("Driver Failure", "no such executable"), started=""),
        Cause.DRIVER, "no such executable", 1, True,
    ),
    "validation": (
        allocation(event("Failed Validation", "invalid key"), started=""),
        Cause.VALIDATION, "invalid key", 1, False,
    ),
    "secret": (
        allocation(event("Template", "Missing: nomad.var.block(x@default.global)"),
                   client="pending", started=""),
        Cause.SECRET, "nomad.var.block(x", 1, False,
    ),
    "disk": (
        allocation(event("Disk Resources Exceeded", "120 MB"), started=""),
        Cause.DISK, "120 MB", 1, True,
    ),
    "nothing says how": (allocation(), Cause.DRIVER, "nothing says how", 1, True),
}  # fmt: skip


@pytest.mark.parametrize(("found", "cause", "said", "code", "retry"), ENDED.values(), ids=ENDED)
def test_an_ending_is_named(found, cause, said, code, retry):
    end = judge(found, Spec())

    assert (end.cause, end.exit_code, end.retry) == (cause, code, retry)
    assert said in end.sentence
    assert "\n" not in end.sentence


def test_raw_exec_cannot_tell_lack_of_memory_and_says_so():
    end = judge(allocation(terminated(137, 9)), Spec(driver="raw_exec", memory=64, image=None))

    assert end.cause is Cause.SIGNAL
    assert "may have used more than memory=64 MB" in end.sentence


def test_every_cause_has_a_case():
    seen = {cause for _, cause, *_ in ENDED.values()}

    assert set(Cause) - seen == {Cause.QUEUE, Cause.COLLECTED, Cause.REFUSED}


def test_an_allocation_without_a_task_yet_is_pending():
    found = Allocation.of({"ID": "0123456789", "CreateIndex": 1})

    assert (found.status, found.desired, found.started, found.events) == ("pending", "run", "", ())
    assert not found.over
    assert not found.taken_away
