"""What several clients are for: networks of their own, drains, and nodes that get lost."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import pytest
from metaflow_backends.nomad import Agent, Api, Hub, jobs, manager

pytestmark = [pytest.mark.backends("nomad/multi"), pytest.mark.timeout(180)]
LOST_WITHIN = 15.0  # seconds from a cut to the replacement's start
# Metaflow owns attempts, so Nomad's own are off in `jobs.batch`; who drains wants a move.
MOVES = {"Attempts": 3, "Interval": jobs.DAY, "Delay": 5 * jobs.SECOND, "DelayFunction": "constant"}


@pytest.fixture
def api(backend):
    return manager(backend.running)


@pytest.fixture
def hub(backend):
    return Hub.of(Path(backend.running.details["home"]))


@pytest.fixture
def sleeper(api):
    """Run a task that sleeps, on any client; gives the job's name and the first allocation."""
    name = f"multi-{secrets.token_hex(4)}"
    job = jobs.batch(name, jobs.command("raw_exec", ["sleep", "600"]))
    job["TaskGroups"][0]["ReschedulePolicy"] = MOVES
    api.register(job)
    yield name, api.allocation(name, running)
    api.stop(name, purge=True)


def running(allocation):
    return allocation["ClientStatus"] == "running"


def node_of(api, name):
    return next(node for node in api.get("/nodes") if node["Name"] == name)


def until(api, name, wanted, seconds=30.0):
    deadline = time.monotonic() + seconds
    while (status := node_of(api, name)["Status"]) != wanted:
        assert time.monotonic() < deadline, f"{name} is {status}, not {wanted}"
        time.sleep(0.1)


def on(node, argv):
    """Give a job that runs on one client."""
    job = jobs.batch(f"multi-{secrets.token_hex(4)}", jobs.command("raw_exec", argv))
    job["Constraints"] = [
        {"LTarget": "${node.unique.name}", "RTarget": node, "Operand": "="},
    ]
    return job


def said(api, job):
    api.register(job)
    text = api.log(api.ended(job["ID"])["ID"], "step", "stdout").decode()
    api.stop(job["ID"], purge=True)
    return text


def test_every_client_has_a_network_of_its_own(api, backend):
    names = backend.running.details["clients"]

    links = {n: said(api, on(n, ["readlink", "/proc/self/ns/net"])) for n in names}
    addresses = {node["Name"]: node["Address"] for node in api.get("/nodes")}

    assert len(names) == 3
    assert len(set(links.values())) == 3
    assert str(Path("/proc/self/ns/net").readlink()) not in {
        text.strip() for text in links.values()
    }
    assert len({addresses[n] for n in names}) == 3


def test_tasks_of_every_client_reach_the_store(api, backend):
    url = backend.running.endpoints["s3"]
    script = (
        "import urllib.request as r, urllib.error as e\n"
        f"try: r.build_opener(r.ProxyHandler({{}})).open({url!r}, timeout=10)\n"
        "except e.HTTPError as error: print(error.code)"
    )
    for name in backend.running.details["clients"]:
        assert said(api, on(name, ["/usr/bin/env", "python3", "-c", script])) == "403\n"


@pytest.mark.parametrize("deadline", [-1, 5 * jobs.SECOND], ids=["at_once", "after_seconds"])
def test_a_drain_ends_a_batch_task_as_complete_and_takes_nothing_new(api, sleeper, deadline):
    """Nobody failed and nothing starts again elsewhere: who owns the attempts must look."""
    name, first = sleeper
    node = first["NodeID"]
    api.put(f"/node/{node}/drain", {"DrainSpec": {"Deadline": deadline}, "MarkEligible": False})
    try:
        ended = api.ended(name)

        assert ended["ID"] == first["ID"]
        assert ended["ClientStatus"] == "complete"
        assert ended["DesiredStatus"] == "stop"
        assert ended["DesiredDescription"] == "alloc is being migrated"
        events = [event["Type"] for event in ended["TaskStates"]["step"]["Events"]]
        assert events[-1] == "Killed"
        assert api.get(f"/node/{node}")["SchedulingEligibility"] == "ineligible"
    finally:
        api.put(f"/node/{node}/drain", {"DrainSpec": None, "MarkEligible": True})
    assert api.get(f"/node/{node}")["SchedulingEligibility"] == "eligible"


@pytest.mark.faults
def test_a_client_that_is_cut_off_is_lost_and_its_task_starts_elsewhere(api, hub, sleeper):
    name, first = sleeper
    node = next(n["Name"] for n in api.get("/nodes") if n["ID"] == first["NodeID"])
    began = time.monotonic()
    hub.cut(node)
    try:
        until(api, node, "down")
        moved = api.allocation(name, lambda one: running(one) and one["ID"] != first["ID"])
        seconds = time.monotonic() - began
        old = next(one for one in api.allocations(name) if one["ID"] == first["ID"])

        assert moved["NodeID"] != first["NodeID"]
        assert old["ClientStatus"] == "lost"
        assert seconds < LOST_WITHIN
    finally:
        hub.mend(node)
        until(api, node, "ready")
    assert [one["ID"] for one in api.allocations(name) if running(one)] == [moved["ID"]]


@pytest.mark.faults
def test_a_client_whose_agent_dies_is_lost_and_comes_back(api, backend, sleeper):
    name, first = sleeper
    node = next(n["Name"] for n in api.get("/nodes") if n["ID"] == first["NodeID"])
    agent = Agent.of(backend.running.details, node)
    agent.kill()
    try:
        until(api, node, "down")
        moved = api.allocation(name, lambda one: running(one) and one["ID"] != first["ID"])
        assert moved["NodeID"] != first["NodeID"]
    finally:
        agent.start()
        until(api, node, "ready")


def test_flows_are_told_the_servers_address(backend, api):
    assert Api.of(backend.environment).address == api.address == backend.running.endpoints["nomad"]
