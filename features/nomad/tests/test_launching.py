"""What a launcher does as allocations come and go; their order is as a Nomad 1.11.2 gave it."""

from __future__ import annotations

import pytest
from metaflow_extensions.nomad import launching
from metaflow_extensions.nomad.api.client import Registered
from metaflow_extensions.nomad.errors import DeniedError
from metaflow_extensions.nomad.launching import Launch
from metaflow_extensions.nomad.spec import Spec
from metaflow_extensions.nomad.watch.capacity import too_large
from metaflow_extensions.nomad.watch.ending import Cause

STARTED = "2026-11-23T10:00:00Z"


def stub(name="a", client="running", desired="run", started=STARTED, events=(), **fields):
    task = {"State": "running", "StartedAt": started, "Events": list(events)}
    return {
        "ID": name * 10,
        "NodeName": f"node-{name}",
        "ClientStatus": client,
        "DesiredStatus": desired,
        "TaskStates": {"step": task},
        **fields,
    }


def ended(name="a", code=0, **fields):
    details = {"exit_code": str(code), "signal": "0"}
    events = [{"Type": "Terminated", "Details": details}]
    return stub(name, "complete" if code == 0 else "failed", events=events, **fields)


FULL = {"NodesEvaluated": 1, "NodesExhausted": 1, "DimensionExhausted": {"memory": 1}}
NOWHERE = {"NodesEvaluated": 1, "NodesFiltered": 1, "ConstraintFiltered": {"missing drivers": 1}}


def waiting(failed):
    return [{"CreateIndex": 1, "FailedTGAllocs": {"step": failed}}]


def node(memory, status="ready", kept=0):
    """A node as a Nomad 1.11.2 lists it with its resources."""
    return {
        "Status": status,
        "NodeResources": {
            "Cpu": {"CpuShares": 4000, "TotalCpuCores": 2},
            "Memory": {"MemoryMB": memory},
            "Disk": {"DiskMB": 90_000},
        },
        "ReservedResources": {
            "Cpu": {"CpuShares": 0}, "Memory": {"MemoryMB": kept}, "Disk": {"DiskMB": 0},
        },
    }  # fmt: skip


class Cluster:
    """Gives one state after the other to whoever asks."""

    memory, denied = 8_000, False  # MB of the one node; whether nobody may know

    def __init__(self, *states, evaluations=({"CreateIndex": 1},), there=False, kept=True):
        self.kept = kept
        self.states, self.given = list(states), evaluations
        self.there = there
        self.registered, self.stopped, self.waits = [], [], []

    def live(self):
        return self.kept

    def register(self, job):
        self.registered.append(job["ID"])
        return Registered(job["ID"], "" if self.there else "eval")

    def allocations(self, job, index=0, wait=0):
        self.waits.append((index, wait))
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        return index + 1, state

    def evaluations(self, job):
        return self.given

    def nodes(self):
        if self.denied:
            raise DeniedError("no")
        return [node(self.memory)]

    def deregister(self, job):
        self.stopped.append(job)


class Watched:
    """A follower that only says it was there."""

    made: list[Watched]

    def __init__(self, client, allocation, task, stream, show):
        self.allocation, self.stream, self.show = allocation, stream, show
        self.log = []
        self.made.append(self)

    def start(self):
        if "start" not in self.log:
            self.log.append("start")

    def read(self):
        self.log.append("read")

    def finish(self):
        self.log.append("finish")
        self.show(f"last of {self.stream}".encode())

    def close(self):
        self.log.append("close")


class Screen:
    def __init__(self):
        self.said, self.lines = [], []

    def say(self, text, allocation=""):
        self.said.append(text)

    def line(self, stream, line, allocation):
        self.lines.append((stream, line, allocation))


@pytest.fixture
def followers(monkeypatch):
    Watched.made = []
    monkeypatch.setattr(launching, "Follower", Watched)
    return Watched.made


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]

    def monotonic():
        now[0] += 1.0
        return now[0]

    monkeypatch.setattr(launching.time, "monotonic", monotonic)
    return now


@pytest.fixture
def launched(followers, clock):  # noqa: ARG001 - both stand in for something
    def run(cluster, limit=None, **said):
        screen = Screen()
        end = Launch(cluster, {"ID": "mf-x"}, Spec.of(said), screen, limit).run()
        return end, screen

    return run


def test_a_task_is_followed_from_its_start_to_its_end(launched, followers):
    cluster = Cluster([], [stub(client="pending", started="")], [stub()], [stub()], [ended()])

    end, screen = launched(cluster)

    assert end.succeeded
    assert screen.said == ["Task is starting on node-a", "Task is running on node-a"]
    assert [(one.stream, one.log) for one in followers] == [
        ("stdout", ["start", "finish"]),
        ("stderr", ["start", "finish"]),
    ]
    assert screen.lines[0] == ("stdout", b"last of stdout", "aaaaaaaa")
    assert cluster.stopped == []


def test_a_task_that_ends_before_anybody_looks_is_read_too(launched):
    end, screen = launched(Cluster([ended(code=3)]))

    assert end.exit_code == 3
    assert len(screen.lines) == 2


def test_what_the_node_does_is_told_once(launched):
    pulling = [{"Type": "Driver", "DisplayMessage": "Downloading image"}]
    state = [stub(client="pending", started="", events=pulling)]

    _, screen = launched(Cluster(state, state, [ended()]))

    assert screen.said[0] == "Task is starting on node-a: Downloading image"
    assert len(screen.said) == 2


def test_without_connections_to_keep_there_is_a_look_now_and_then(launched, followers, monkeypatch):
    slept = []
    monkeypatch.setattr(launching.time, "sleep", slept.append)
    cluster = Cluster([], [stub()], [stub()], [ended()], kept=False)

    assert launched(cluster)[0].succeeded

    assert [one.log for one in followers] == [["read", "read", "finish"]] * 2
    assert len(slept) == 3
    assert all(index == 0 for index, _ in cluster.waits)


def test_a_launcher_follows_once_it_may(launched, followers, monkeypatch):
    monkeypatch.setattr(launching.time, "sleep", lambda _: setattr(cluster, "kept", True))
    cluster = Cluster([stub()], [stub()], [ended()], kept=False)

    assert launched(cluster)[0].succeeded

    assert followers[0].log == ["read", "start", "finish"]


def test_a_job_that_is_there_is_taken_over(launched):
    end, screen = launched(Cluster([ended()], there=True))

    assert end.succeeded
    assert "is there already; its attempt is taken over" in screen.said[0]


def test_a_queue_is_explained_and_waited_for(launched):
    cluster = Cluster([], [], [], [ended()], evaluations=waiting(FULL))

    end, screen = launched(cluster)

    assert end.succeeded
    assert screen.said[0] == "queued: memory is exhausted on 1 of 1 nodes"
    assert cluster.waits[1][1] == launching.EXPLAIN


def test_a_queue_ends_after_its_time(launched):
    cluster = Cluster([], evaluations=waiting(FULL))

    end, _ = launched(cluster, queue_timeout=30)

    assert (end.cause, end.retry) == (Cause.QUEUE, False)
    assert cluster.stopped == ["mf-x"]


def test_what_is_larger_than_every_node_is_given_up_soon(launched, clock):
    cluster = Cluster([], evaluations=waiting(FULL))
    cluster.memory = 100

    end, screen = launched(cluster, memory=200)

    assert screen.said == ["no place: memory=200 is more than any node has (100 MB)"]
    assert (end.cause, end.retry) == (Cause.QUEUE, False)
    assert clock[0] < 20


def test_who_may_not_see_nodes_waits(launched):
    cluster = Cluster(*[[]] * 20, [ended()], evaluations=waiting(FULL))
    cluster.memory, cluster.denied = 100, True

    end, screen = launched(cluster, memory=200)

    assert end.succeeded
    assert screen.said[0] == "queued: memory is exhausted on 1 of 1 nodes"


def test_what_can_run_nowhere_is_given_up_soon(launched, clock):
    end, _ = launched(Cluster([], evaluations=waiting(NOWHERE)))

    assert end.sentence.startswith("no place: 1 node without the driver")
    assert clock[0] < 10


def test_what_can_run_nowhere_yet_is_waited_for_where_that_is_asked(launched):
    cluster = Cluster(*[[]] * 20, [ended()], evaluations=waiting(NOWHERE))

    assert launched(cluster, queue_timeout="1h")[0].succeeded


LOST = stub("a", "lost", "stop")
GONE = {
    "lost, its replacement begins": ([LOST, stub("b")], Cause.LOST),
    "lost, its replacement has ended": ([LOST, ended("b", 203)], Cause.LOST),
    "node away": ([stub("a", "unknown")], Cause.LOST),
    "preempted": ([stub("a", desired="evict"), stub("b", "pending", started="")], Cause.PREEMPTED),
}


@pytest.mark.parametrize(("state", "cause"), GONE.values(), ids=GONE)
def test_a_task_that_is_taken_away_is_named_and_its_replacement_stopped(launched, state, cause):
    cluster = Cluster([stub()], state)

    end, _ = launched(cluster)

    assert (end.cause, end.retry) == (cause, True)
    assert cluster.stopped == ["mf-x"]


@pytest.mark.parametrize("status", ["lost", "unknown"])
def test_a_node_that_is_away_is_not_asked_for_output(launched, followers, status):
    launched(Cluster([stub()], [stub(client=status, desired="stop")]))

    assert [one.log for one in followers] == [["start", "close"]] * 2


def test_an_allocation_that_never_began_may_be_replaced(launched, followers):
    never = stub("a", "lost", "stop", started="")
    cluster = Cluster([stub("a", "pending", started="")], [never, stub("b")], [never, ended("b")])

    end, _ = launched(cluster)

    assert end.succeeded
    assert {one.allocation for one in followers} == {"b" * 10}
    assert cluster.stopped == []


def test_a_secret_that_is_not_there_ends_the_wait(launched):
    events = [{"Type": "Template", "DisplayMessage": "Missing: nomad.var.block(x)"}]
    cluster = Cluster([stub(client="pending", started="", events=events)])

    end, _ = launched(cluster)

    assert (end.cause, end.retry) == (Cause.SECRET, False)
    assert cluster.stopped == ["mf-x"]


def test_a_job_that_nomad_forgot_is_not_waited_for(launched):
    end, _ = launched(Cluster([stub()], []))

    assert (end.cause, end.retry) == (Cause.COLLECTED, True)


def test_a_job_that_nomad_forgot_while_it_waited_is_not_waited_for_either(launched):
    assert launched(Cluster([], evaluations=[]))[0].cause is Cause.COLLECTED


def test_a_step_that_nothing_ends_at_its_limit_is_ended_by_the_launcher(launched):
    cluster = Cluster([stub()])

    end, _ = launched(cluster, limit=5)

    assert end.cause is Cause.TIMEOUT
    assert cluster.stopped == ["mf-x"]


LARGE = {
    "fits": ({"memory": 100}, [node(100)], ""),
    "one of two": ({"memory": 100}, [node(50), node(100)], ""),
    "kept for others": ({"memory": 100}, [node(100, kept=1)], "memory=100 is more than"),
    "away": ({"memory": 100}, [node(50), node(200, status="down")], "any node has (50 MB)"),
    "cores": ({"cores": 3, "memory": 1}, [node(1)], "cores=3 is more than any node has (2 cores)"),
    "cpu": ({"cpu": 4001, "memory": 1}, [node(1)], "cpu=4001 is more than any node has (4000 MHz)"),
    "nobody": ({"memory": 100}, [], ""),
    "silent": ({"memory": 100}, [{"Status": "ready"}], ""),
}


@pytest.mark.parametrize(("said", "nodes", "sentence"), LARGE.values(), ids=LARGE)
def test_a_task_is_held_against_all_nodes(said, nodes, sentence):
    found = too_large(Spec.of(said), nodes)

    assert sentence in found
    assert bool(found) is bool(sentence)
