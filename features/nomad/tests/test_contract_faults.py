"""What goes wrong on a real cluster, and what is lost by it: nothing, and nothing runs twice."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

pytestmark = [
    pytest.mark.backends("nomad/raw_exec"), pytest.mark.timeout(300), pytest.mark.faults,
]  # fmt: skip
COUNT = "for i in $(seq 60); do echo line $i; sleep 0.1; done; exit 5"
LINES = [f"line {number}".encode() for number in range(1, 61)]


@pytest.mark.parametrize("agent", [pytest.param("client-1", marks=pytest.mark.smoke), "server"])
def test_an_agent_that_dies_and_comes_back_costs_no_line(launched, faults, agent):
    begun = threading.Event()

    def kill():
        begun.wait(60)
        time.sleep(1)
        with faults.without_agent(agent):
            time.sleep(2)

    thread = threading.Thread(target=kill)
    thread.start()
    end, screen, _ = launched("bash", "-c", COUNT, seen=begun.set)
    thread.join(90)

    assert screen.lines["stdout"] == LINES
    assert end.exit_code == 5


@pytest.mark.slow
def test_a_server_that_is_away_for_a_minute_is_waited_for(launched, faults):
    begun, told = threading.Event(), []

    def kill():
        begun.wait(60)
        with faults.without_agent("server"):
            time.sleep(60)

    thread = threading.Thread(target=kill)
    thread.start()
    end, screen, _ = launched("bash", "-c", COUNT, seen=begun.set, waiting=told.append)
    thread.join(120)

    assert screen.lines["stdout"] == LINES
    assert end.exit_code == 5
    assert told[-1] == ""
    assert len(told) == 2


@pytest.mark.smoke
def test_an_allocation_that_is_stopped_is_tried_again_once(counted, faults, eventually):
    run = counted()
    (first,) = eventually(run.starts)

    faults.stop_allocation(first[1])
    code, out = run.ended()

    assert code == 0, out
    assert [attempt for attempt, *_ in run.starts()] == ["0", "1"]
    assert "stopped on client-1 by somebody" in out


def test_a_job_that_nomad_forgets_is_tried_again_once(counted, faults, eventually):
    run = counted()
    (first,) = eventually(run.starts)

    faults.forget(first[2])
    code, out = run.ended()

    assert code == 0, out
    assert [attempt for attempt, *_ in run.starts()] == ["0", "1"]


def test_a_job_that_ended_and_was_forgotten_while_nobody_looked_has_succeeded(
    counted, client, faults, eventually
):
    run = counted(seconds=3)
    (first,) = eventually(run.starts)
    (launcher,) = run.launchers()

    launcher.suspend()
    eventually(lambda: client.job(first[2])["Status"] == "dead")
    faults.forget(first[2])
    launcher.resume()
    code, out = run.ended()

    assert code == 0, out
    assert run.starts() == [first]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_run_that_is_told_to_end_leaves_no_allocation(counted, client, eventually, number):
    run = counted()
    (first,) = eventually(run.starts)

    os.killpg(run.process.pid, number)
    run.ended(30)

    eventually(lambda: ended(client, first[2]), 5)
    assert len(run.starts()) == 1


def test_a_task_whose_launchers_are_killed_ends_by_itself(counted, client, eventually):
    run = counted(seconds=120, METAFLOW_NOMAD_ORPHAN_LIMIT="6")
    (first,) = eventually(run.starts)
    time.sleep(4)  # a word of its launcher has come

    run.kill()

    eventually(lambda: ended(client, first[2]), 30)
    assert run.starts() == [first]


@pytest.mark.parametrize("forked", ["1", ""], ids=["forked", "each its own"])
def test_a_run_that_is_killed_alone_leaves_no_allocation(counted, client, eventually, forked):
    run = counted(METAFLOW_NOMAD_FORKSERVER=forked)
    (first,) = eventually(run.starts)
    (launcher,) = run.launchers()
    assert (launcher.ppid() == run.process.pid) is not bool(forked)

    run.process.kill()

    eventually(lambda: ended(client, first[2]), 10)
    assert len(run.starts()) == 1


def ended(client, job):
    return all(one["ClientStatus"] in {"complete", "failed"} for one in client.allocations(job)[1])
