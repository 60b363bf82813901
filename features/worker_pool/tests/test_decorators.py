"""Metaflow's other decorators on the items of a pool; test_equality.py has most of them."""

from __future__ import annotations

import os
import sys

FLOW = """
    @step
    def start(self):
        self.items = [1, 2, 3, 4]
        self.next(self.work, foreach="items")

    @worker_pool(size=1)
    {above}
    @step
    def work(self):
        import os, sys, time, random
        self.pid, self.python = os.getpid(), sys.executable
{body}
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def flow(body="        pass", above=""):
    return FLOW.format(body=body, above=above)


def test_each_item_has_its_own_card(written, flow_run):
    body = """        from metaflow.cards import Markdown
        current.card.append(Markdown(f"item {self.input}"))"""

    ran = flow_run(written(flow(body, '@card(type="blank")')), "--max-workers", "1")

    cards = [path.read_text() for path in ran.root.rglob("work/tasks/*/cards/*.html")]
    assert ran.code == 0, ran.out
    assert len(cards) == 4
    assert len(set(ran.value("work", "pid"))) == 1


def test_a_timeout_ends_its_item_and_no_later_one(written, flow_run):
    body = """        if self.input == 1: time.sleep(30)
        if self.input == 2: raise ValueError("before its time")
        time.sleep(0.8)"""
    above = "@catch(var='failure', print_exception=False)\n    @timeout(seconds=2)"

    ran = flow_run(written(flow(body, above)), "--max-workers", "1")

    assert ran.code == 0, ran.out
    failures = [str(one) for one in ran.value("work", "failure")]
    assert "timed out after" in failures[0]
    assert "before its time" in failures[1]
    assert failures[2:] == ["None", "None"]


PREPARED = """
import os
from metaflow.decorators import StepDecorator
from metaflow.plugins import STEP_DECORATORS
found = next(deco for deco in STEP_DECORATORS if deco.name == "resources")
def runtime_step_cli(self, cli_args, retry_count, max_user_code_retries, ubf_context):
    cli_args.entrypoint[0] = {python!r}
    cli_args.env["PYTHONPATH"] = {path!r}
found.runtime_step_cli = runtime_step_cli
"""


def test_the_interpreter_that_an_environment_names_is_the_workers(written, flow_run, tmp_path):
    """As @conda and @pypi do it: `entrypoint[0]` and PYTHONPATH of a prepared environment."""
    python = tmp_path / "environment/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nTHROUGH=here exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    before = PREPARED.format(python=str(python), path=os.environ.get("PYTHONPATH", "/none"))
    body = "        self.through = os.environ.get('THROUGH')"

    ran = flow_run(written(flow(body, "@resources(cpu=1)"), before=before), "--max-workers", "1")

    assert ran.code == 0, ran.out
    assert ran.value("work", "through") == ["here"] * 4
    assert len(set(ran.value("work", "pid"))) == 1


def test_items_of_one_worker_draw_different_numbers_where_nothing_is_seeded(written, flow_run):
    body = """        import numpy
        self.drawn = (random.random(), float(numpy.random.random()))"""

    for isolation in ("process", "fork"):
        ran = flow_run(
            written(flow(body), before="import numpy, random\nrandom.random()"),
            "--max-workers", "1", METAFLOW_WORKER_POOL_ISOLATION=isolation,
        )  # fmt: skip
        drawn = ran.value("work", "drawn")
        assert len({one for one, _ in drawn}) == len({two for _, two in drawn}) == 4


def test_items_draw_what_the_file_has_seeded(written, flow_run):
    body = """        import numpy
        self.drawn = (random.random(), float(numpy.random.random()))"""
    before = "import numpy, random\nrandom.seed(3); numpy.random.seed(3)"

    for isolation in ("process", "fork"):
        ran = flow_run(
            written(flow(body), before=before), "--max-workers", "1",
            METAFLOW_WORKER_POOL_ISOLATION=isolation,
        )  # fmt: skip
        assert len(set(ran.value("work", "drawn"))) == 1


def test_last_words_of_a_fork_are_said(written, flow_run):
    body = """        import atexit, threading
        atexit.register(print, "the last words", self.input)
        threading.Thread(target=lambda: (time.sleep(0.3), print("after a while"))).start()"""

    ran = flow_run(written(flow(body)), METAFLOW_WORKER_POOL_ISOLATION="fork")

    assert [log.count("the last words") for log in ran.log("work")] == [1] * 4
    assert [log.count("after a while") for log in ran.log("work")] == [1] * 4


NESTED = """
    @step
    def start(self):
        self.outer = ["a", "b"]
        self.next(self.middle, foreach="outer")

    @worker_pool(size=2)
    @step
    def middle(self):
        self.letter = self.input
        self.inner = [1, 2, 3]
        self.next(self.work, foreach="inner")

    @worker_pool(size=2)
    @step
    def work(self):
        self.found = f"{self.letter}{self.input}"
        self.next(self.inner_join)

    @worker_pool(size=1)
    @step
    def inner_join(self, inputs):
        self.found = [one.found for one in inputs]
        self.next(self.outer_join)

    @step
    def outer_join(self, inputs):
        self.found = [one.found for one in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_foreaches_within_foreaches_have_pools_and_so_have_joins_within_them(written, flow_run):
    ran = flow_run(written(NESTED), "--max-workers", "3")

    assert ran.code == 0, ran.out
    assert ran.value("outer_join", "found") == [[["a1", "a2", "a3"], ["b1", "b2", "b3"]]]
    assert [e["total"] for e in ran.events("work") if e.get("total")][-1] == 6


def test_a_file_that_starts_threads_has_no_forks_but_processes(written, flow_run):
    before = "import threading, time\n"
    before += "def tick():\n    time.sleep(60)\n"
    before += "threading.Thread(target=tick, name='ticker', daemon=True).start()"
    file = written(flow("        print('item', self.input)"), before=before)

    ran = flow_run(file, "--max-workers", "2", METAFLOW_WORKER_POOL_ISOLATION="fork")

    assert ran.code == 0, ran.out
    assert ran.out.count("starts threads (ticker)") == 1
    assert len(set(ran.value("work", "pid"))) == 4
    assert [log.strip() for log in ran.log("work")] == [f"item {n}" for n in (1, 2, 3, 4)]
