"""When workers are replaced, and what items leave behind in them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaflow_extensions.worker_pool.local.recycling import MEGABYTE, SPREAD, Limits, Service
from metaflow_extensions.worker_pool.spec import Spec

FLOW = """
    @step
    def start(self):
        self.items = list(range({items}))
        self.next(self.work, foreach="items")

    @worker_pool(size={size}, {more})
    @step
    def work(self):
        import os, threading, time, subprocess, signal
        self.pid = os.getpid()
{body}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def flow(body="        pass", more="", size=1, items=6):
    return FLOW.format(items=items, size=size, body=body, more=more)


def by_worker(ran):
    """Count the items of each worker, in the order of their first ones."""
    pids = ran.value("work", "pid")
    return [pids.count(pid) for pid in dict.fromkeys(pids)]


def states(ran, state):
    return [e for e in ran.events("work") if e["event"] == "worker" and e["state"] == state]


def test_one_worker_serves_all_items_where_nothing_limits_it(written, flow_run):
    ran = flow_run(written(flow()), "--max-workers", "1")

    assert by_worker(ran) == [6]


def test_a_worker_goes_after_its_items(written, flow_run):
    ran = flow_run(written(flow(more="max_items_per_worker=2")), "--max-workers", "1")

    assert by_worker(ran) == [2, 2, 2]
    assert [event["why"] for event in states(ran, "recycled")] == ["2 items"] * 3


def test_a_replacement_has_started_before_a_worker_goes(written, flow_run):
    ran = flow_run(written(flow(more="max_items_per_worker=8", items=12)), "--max-workers", "1")

    told = [e["state"] for e in ran.events("work") if e["event"] == "worker"]
    assert told == ["started", "started", "recycled"]
    assert by_worker(ran) == [8, 4]


def test_a_worker_goes_at_its_age(written, flow_run):
    body = "        time.sleep(0.5)"

    ran = flow_run(written(flow(body, more="max_worker_age=1", items=3)), "--max-workers", "1")

    assert len(by_worker(ran)) > 1
    assert "s old" in states(ran, "recycled")[0]["why"]


HOLDS = "        __import__('builtins').held = getattr(__import__('builtins'), 'held', [])\n"
HOLDS += "        __import__('builtins').held.append({what})"


def test_a_worker_that_leaks_goes_and_one_with_garbage_stays(written, flow_run):
    leaks = HOLDS.format(what="bytearray(os.urandom(1)) * 10_000_000")
    garbage = "        a = [bytearray(b'x' * 10_000_000)]; a.append(a)"

    leaking = flow_run(
        written(flow(leaks, more="max_rss_growth=25", items=8)), "--max-workers", "1"
    )
    littering = flow_run(
        written(flow(f"        import gc; gc.disable()\n{garbage}", "max_rss_growth=25", items=8)),
        "--max-workers", "1",
    )  # fmt: skip

    assert len(by_worker(leaking)) > 1
    assert "MB grown" in states(leaking, "recycled")[0]["why"]
    assert by_worker(littering) == [8]


LEFT = {
    "a thread": (
        "threading.Thread(target=time.sleep, args=(3,), name='mine').start()",
        "threads (mine)",
    ),
    "a process": ("subprocess.Popen(['sleep', '3'])", "processes ("),
    "a variable": ("os.environ['LEFT'] = 'x'", "environment (LEFT)"),
    "another folder": ("os.chdir('/')", "current folder"),
    "a handler": ("signal.signal(signal.SIGUSR1, signal.SIG_IGN)", "signal handlers (SIGUSR1)"),
}


@pytest.mark.parametrize(("code", "named"), LEFT.values(), ids=LEFT)
def test_what_an_item_leaves_is_named_once_and_gone_for_the_next(written, flow_run, code, named):
    body = f"""        self.found = (os.environ.get('LEFT'), os.getcwd() == '/',
                      signal.getsignal(10) == 0, threading.active_count())
        {code}"""

    ran = flow_run(written(flow(body, items=3)), "--max-workers", "1")

    assert ran.code == 0, ran.out
    assert ran.value("work", "found") == [(None, False, True, 1)] * 3
    assert ran.out.count("left something behind") == 1
    assert named in ran.out
    stays = named.startswith(("threads", "processes"))
    assert by_worker(ran) == ([1, 1, 1] if stays else [3])


@given(st.integers(1, 500), st.integers(1, 64), st.integers(0, 300))
def test_no_worker_serves_more_than_was_asked_for_nor_much_less(most, size, number):
    limits = Limits.of(Spec(max_items_per_worker=most), number, size)

    assert limits.items is not None
    assert max(1, round(most * (1 - SPREAD)) - 1) <= limits.items <= most


def test_workers_of_a_pool_do_not_all_go_at_once():
    spec = Spec(max_items_per_worker=1000, max_worker_age=100.0, max_rss_growth=100)

    limits = [Limits.of(spec, number, 4) for number in range(4)]

    assert len({one.items for one in limits}) == 4
    assert len({one.age for one in limits}) == 4
    assert len({one.growth for one in limits}) == 4


WEAR = {
    "no limit": (Spec(max_rss_growth=None), Service(items=9**9), 0.0, ""),
    "half its items": (Spec(max_items_per_worker=10), Service(items=5), 0.5, "5 items"),
    "all its age": (Spec(max_worker_age=10.0), Service(age=10.0), 1.0, "10 s old"),
    "its memory": (
        Spec(max_rss_growth=10), Service(1, 0.0, 50 * MEGABYTE, 65 * MEGABYTE), 1.5, "15 MB grown",
    ),
    "the most used up counts": (
        Spec(max_items_per_worker=10, max_worker_age=10.0), Service(2, 9.0), 0.9, "9 s old",
    ),
    "a kernel that tells no memory": (Spec(), Service(items=5), 0.0, ""),
}  # fmt: skip


@pytest.mark.parametrize(("spec", "service", "share", "reason"), WEAR.values(), ids=WEAR)
def test_wear_is_the_share_of_the_limit_that_is_nearest(spec, service, share, reason):
    assert service.wear(Limits.of(spec, 0, 1)) == (share, reason)
