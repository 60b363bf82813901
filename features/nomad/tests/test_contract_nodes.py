"""Nodes that are lost, drained or needed for more: named, and the task is tried elsewhere once."""

from __future__ import annotations

import time

import pytest

pytestmark = [
    pytest.mark.backends("nomad/multi"), pytest.mark.timeout(300), pytest.mark.faults,
    pytest.mark.slow,
]  # fmt: skip
SEEN = 35.0  # seconds until the second attempt's code runs
LARGE = 60  # percent of a node's memory: two such tasks fit on none


def node_of(client, job):
    return client.allocations(job)[1][0]["NodeName"]


def twice(run, eventually, began):
    """Wait for the second start, and say how long after a moment it was."""
    eventually(lambda: len(run.starts()) == 2, 60)
    return time.monotonic() - began


def test_a_node_that_is_lost_costs_one_attempt(counted, client, faults, eventually):
    run = counted(seconds=60)
    (first,) = eventually(run.starts)
    node = node_of(client, first[2])

    began = time.monotonic()
    with faults.cut_off(node):
        assert twice(run, eventually, began) <= SEEN
        code, out = run.ended()
    time.sleep(10)  # the node is back: nothing of the first attempt may begin again

    assert code == 0, out
    assert f"the node {node} is lost" in out
    assert [attempt for attempt, *_ in run.starts()] == ["0", "1"]
    assert node_of(client, run.starts()[1][2]) != node
    eventually(lambda: all_over(client, first[2]), 30)


def test_a_node_that_is_drained_costs_one_attempt(counted, client, faults, eventually):
    run = counted(seconds=60)
    (first,) = eventually(run.starts)
    node = node_of(client, first[2])

    began = time.monotonic()
    with faults.drained(node):
        assert twice(run, eventually, began) <= SEEN
        code, out = run.ended()

    assert code == 0, out
    assert f"the node {node} was drained" in out
    assert [attempt for attempt, *_ in run.starts()] == ["0", "1"]
    assert node_of(client, run.starts()[1][2]) != node


def test_a_job_of_higher_priority_costs_one_attempt(counted, client, faults, eventually, job_of):
    memory = client.nodes()[0]["NodeResources"]["Memory"]["MemoryMB"] * LARGE // 100
    run = counted(seconds=60, METAFLOW_NOMAD_MEMORY=str(memory), METAFLOW_NOMAD_PRIORITY="10")
    (first,) = eventually(run.starts)
    node = node_of(client, first[2])
    only = f"${{node.unique.name}} = {node}"
    other, _ = job_of("sleep", "60", memory=memory, priority=90, constraints=only)

    began = time.monotonic()
    with faults.preemption():
        client.register(other)
        try:
            assert twice(run, eventually, began) <= SEEN
            code, out = run.ended()
        finally:
            client.deregister(other["ID"])

    assert code == 0, out
    assert f"preempted on {node} by a job of higher priority" in out
    assert [attempt for attempt, *_ in run.starts()] == ["0", "1"]


def all_over(client, job):
    done = {"complete", "failed", "lost"}
    return all(one["ClientStatus"] in done for one in client.allocations(job)[1])
