"""Where the scheduler cannot be taken from, items come to the pool through small clients."""

from __future__ import annotations

import pytest

FLOW = """
    @step
    def start(self):
        self.items = list(range(6))
        self.next(self.work, foreach="items")

    @worker_pool(size=2)
    @retry(times=1, minutes_between_retries=0)
    @catch(var="failure")
    @step
    def work(self):
        import os, signal, sys
        print("item", self.input)
        print("error", self.input, file=sys.stderr)
        if self.input == 2 and current.retry_count == 0: os.kill(os.getpid(), signal.SIGKILL)
        if self.input == 3: sys.exit(4)
        if self.input == 4: raise ValueError("wrong")
        self.x = self.input
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.x for one in inputs if not one.failure)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
CLIENT = "client"
CHANGED = """
import metaflow.runtime
del metaflow.runtime.Worker.clean
"""


def test_a_run_through_clients_leaves_what_a_run_with_processes_leaves(
    written, run_at, tmp_path, account
):
    file, place = written(FLOW), tmp_path / "store"

    stock = run_at(place, file, "--max-workers", "3", METAFLOW_WORKER_POOL_LAUNCH="never")
    expected = account(stock)
    place.rename(tmp_path / "stock")
    ran = run_at(place, file, "--max-workers", "3", METAFLOW_WORKER_POOL_LAUNCH=CLIENT)
    found = account(ran)

    for told in found.values():
        for part in ("metadata", "files"):
            told[part] = [line for line in told[part] if "worker-pool-cause" not in line]
    assert ran.code == stock.code == 0, ran.out
    assert found == expected


def test_it_is_said_in_one_line_why(written, flow_run):
    ran = flow_run(written(FLOW, before=CHANGED), "--max-workers", "2")

    assert ran.code == 0, ran.out
    assert (
        ran.out.count("metaflow.runtime.Worker has no clean, so that each item of step work") == 1
    )
    assert [e["launch"] for e in ran.events("work") if e["event"] == "pool"] == [CLIENT]


@pytest.mark.parametrize("launch", [CLIENT, ""])
def test_a_run_that_fails_ends_what_is_at_work(written, flow_run, launch):
    body = FLOW.replace(
        'print("item", self.input)', "sys.exit(1) if self.input else __import__('time').sleep(60)"
    )
    body = body.replace('@catch(var="failure")', "").replace("times=1", "times=0")

    ran = flow_run(written(body), "--max-workers", "2", METAFLOW_WORKER_POOL_LAUNCH=launch)

    assert ran.code == 1
    assert "Step failure" in ran.out
