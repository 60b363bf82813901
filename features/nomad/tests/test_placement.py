"""A queued job says what it waits for. The evaluations are as a Nomad 1.11.2 gave them."""

from __future__ import annotations

import pytest
from metaflow_extensions.nomad.watch.placement import Placement


def evaluation(**failed):
    return {
        "Status": "complete",
        "FailedTGAllocs": {"step": {"NodesAvailable": {"dc1": 3}, **failed}},
    }


SAID = {
    "memory": (
        evaluation(NodesEvaluated=3, NodesExhausted=3, DimensionExhausted={"memory": 3}),
        "queued: memory is exhausted on 3 of 3 nodes",
        False,
    ),
    "two of three": (
        evaluation(
            NodesEvaluated=3,
            NodesFiltered=1,
            ConstraintFiltered={"missing drivers": 1},
            NodesExhausted=2,
            DimensionExhausted={"cpu": 2},
        ),
        "queued: cpu is exhausted on 2 of 3 nodes; 1 node without the driver",
        False,
    ),
    "driver": (
        evaluation(NodesEvaluated=1, NodesFiltered=1, ConstraintFiltered={"missing drivers": 1}),
        "no place: 1 node without the driver",
        True,
    ),
    "devices": (
        evaluation(NodesEvaluated=2, NodesFiltered=2, ConstraintFiltered={"missing devices": 2}),
        "no place: 2 nodes without such a device",
        True,
    ),
    "busy devices": (
        evaluation(
            NodesEvaluated=1,
            NodesExhausted=1,
            DimensionExhausted={"devices: no devices match request": 1},
        ),
        "queued: all devices are in use on 1 of 1 nodes",
        False,
    ),
    "constraint": (
        evaluation(
            NodesEvaluated=3,
            NodesFiltered=3,
            ConstraintFiltered={"${attr.cpu.arch} = arm64": 3},
        ),
        "no place: the constraint ${attr.cpu.arch} = arm64 rules out 3 nodes",
        True,
    ),
    "no datacenter": (
        evaluation(NodesEvaluated=0, NodesAvailable={}),
        "no place: no node is up in these datacenters and this node pool",
        True,
    ),
    "quota": (
        evaluation(NodesEvaluated=0, QuotaExhausted=["memory"]),
        "queued: the quota is used up (memory)",
        False,
    ),
    "no reason": (evaluation(NodesEvaluated=2, NodesExhausted=2), "queued: no node fits", False),
}


@pytest.mark.parametrize(("found", "sentence", "infeasible"), SAID.values(), ids=SAID)
def test_a_queued_job_says_what_it_waits_for(found, sentence, infeasible):
    place = Placement.from_evaluation(found, "step")

    assert place is not None
    assert place.explain() == sentence
    assert place.infeasible is infeasible


@pytest.mark.parametrize("found", [{}, {"FailedTGAllocs": None}, {"FailedTGAllocs": {"x": {}}}])
def test_a_job_that_was_placed_waits_for_nothing(found):
    assert Placement.from_evaluation(found, "step") is None
