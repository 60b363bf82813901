"""How many workers a pool has."""

from __future__ import annotations

import pytest
from metaflow_extensions.worker_pool.local import sizing
from metaflow_extensions.worker_pool.local.sizing import Machine, Size

GB = 2**30
SIZES = {
    "as asked": (7, 16, Machine(2, GB, 1), 7, "size=7"),
    "CPUs": (None, 16, Machine(4, 64 * GB, GB // 16), 4, "4 CPUs"),
    "slots": (None, 3, Machine(8, 64 * GB, GB // 16), 3, "--max-workers 3"),
    "memory": (None, 16, Machine(8, 2 * GB, GB // 2), 3, "2048 MB of free memory"),
    "never none": (None, 16, Machine(8, 0, GB), 1, "0 MB of free memory"),
}


@pytest.mark.parametrize(
    ("asked", "slots", "machine", "workers", "reason"), SIZES.values(), ids=SIZES
)
def test_auto_is_the_least_of_what_there_is(asked, slots, machine, workers, reason):
    assert Size.of(asked, slots, machine) == Size(workers, reason)


QUOTAS = {
    "two CPUs": ("200000 100000", 2),
    "half a CPU": ("50000 100000", 1),
    "none": ("max 100000", 64),
}


@pytest.mark.parametrize(("text", "cpus"), QUOTAS.values(), ids=QUOTAS)
def test_the_quota_of_a_control_group_counts(monkeypatch, tmp_path, text, cpus):
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(sizing, "_V2", tmp_path)
    monkeypatch.setattr(sizing.os, "sched_getaffinity", lambda _: set(range(64)))

    assert sizing.cpus() == cpus


def test_the_quota_of_the_older_control_groups_counts_too(monkeypatch, tmp_path):
    (tmp_path / "cpu.cfs_quota_us").write_text("300000")
    (tmp_path / "cpu.cfs_period_us").write_text("100000")
    monkeypatch.setattr(sizing, "_V2", tmp_path / "none")
    monkeypatch.setattr(sizing, "_V1", tmp_path)
    monkeypatch.setattr(sizing.os, "sched_getaffinity", lambda _: set(range(64)))

    assert sizing.cpus() == 3


def test_a_control_group_that_is_nearly_full_leaves_little(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text(str(GB))
    (tmp_path / "memory.current").write_text(str(GB - 1000))
    monkeypatch.setattr(sizing, "_V2", tmp_path)

    assert sizing.free_memory() == 1000


FLOW = """
    @step
    def start(self):
        self.items = [1, 2, 3]
        self.next(self.work, foreach="items")

    @worker_pool{size}
    @step
    def work(self):
        import os, time
        self.pid = os.getpid(); time.sleep(0.2)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_a_pool_that_max_workers_cannot_fill_warns(written, flow_run):
    ran = flow_run(written(FLOW.format(size="(size=9)")), "--max-workers", "2")

    assert ran.code == 0
    assert "has a pool of 9, and --max-workers lets 2 tasks run at a time" in ran.out


def test_no_more_workers_run_than_the_pool_is_large(written, flow_run):
    ran = flow_run(written(FLOW.format(size="(size=1)")), "--max-workers", "8")

    assert len(set(ran.value("work", "pid"))) == 1


def test_items_that_wait_let_the_pool_grow_to_what_metaflow_would_have_run(monkeypatch):
    monkeypatch.setattr(sizing, "free_memory", lambda: 100 * GB)
    growth = sizing.Growth(Size(2, ""), slots=16)

    sizes = [growth.after(0.01, GB // 10) for _ in range(8)]

    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (2, 16)


def test_items_that_compute_let_it_be_as_large_as_there_are_cpus():
    growth = sizing.Growth(Size(2, ""), slots=16)

    assert {growth.after(0.95, GB // 10) for _ in range(50)} == {2}


def test_a_pool_does_not_grow_out_of_the_memory(monkeypatch):
    monkeypatch.setattr(sizing, "free_memory", lambda: 5 * GB)
    growth = sizing.Growth(Size(2, ""), slots=16)

    assert [growth.after(0.0, GB) for _ in range(20)][-1] == 2 + 4


def test_a_pool_of_waiting_items_has_more_workers_in_the_end(written, flow_run):
    body = FLOW.format(size="").replace("[1, 2, 3]", "list(range(16))")

    ran = flow_run(written(body), "--max-workers", "8")

    workers = [e for e in ran.events("work") if e["event"] == "worker" and e["state"] == "started"]
    assert len(workers) > sizing.cpus()
