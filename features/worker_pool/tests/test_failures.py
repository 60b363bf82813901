"""A dead worker is one failed attempt of the item in its hands, and of no other."""

from __future__ import annotations

import pytest

FLOW = """
    @step
    def start(self):
        self.items = list(range({items}))
        self.next(self.work, foreach="items")

    {above}
    @step
    def work(self):
        import os, signal, sys, time
{body}
        self.x = self.input * 2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.x for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
KILL_3 = """        if self.input == 3 and current.retry_count < {times}:
            os.kill(os.getpid(), signal.SIGKILL)"""
RETRY = "@worker_pool(size=2{more})\n    @retry(times={times}, minutes_between_retries=0)"


def flow(body="        pass", above="@worker_pool(size=2)", items=6):
    return FLOW.format(items=items, above=above, body=body)


def causes(ran, step="work"):
    return [ran.metadata(task, "worker-pool-cause") for task in ran.tasks(step)]


@pytest.mark.parametrize("isolation", ["process", "fork"])
def test_a_killed_worker_costs_its_item_one_attempt(written, flow_run, isolation):
    above = RETRY.format(times=1, more=f", isolation='{isolation}'")

    ran = flow_run(written(flow(KILL_3.format(times=1), above)), "--max-workers", "2")

    assert ran.code == 0, ran.out
    assert ran.value("join", "total") == [30]
    assert ran.attempts("work") == [1, 1, 1, 2, 1, 1]
    assert [len(cause) for cause in causes(ran)] == [0, 0, 0, 1, 0, 0]
    assert "was killed by SIGKILL" in causes(ran)[3][0]


def test_without_retry_the_run_fails_as_it_does_without_a_pool(written, flow_run):
    file = written(flow(KILL_3.format(times=9)))

    pooled = flow_run(file, "--max-workers", "1")
    stock = flow_run(file, "--max-workers", "1", METAFLOW_WORKER_POOL_LAUNCH="never")

    assert pooled.code == stock.code == 1
    assert "Step failure" in pooled.out
    assert pooled.attempts("work") == stock.attempts("work") == [1, 1, 1, 1]
    assert "Its worker" in pooled.out


def test_what_was_finished_before_stays(written, flow_run):
    body = "        open(f'ran{self.input}', 'a').write('x')\n"
    file = written(flow(body + KILL_3.format(times="(0 if os.environ.get('WELL') else 9)")))

    failed = flow_run(file, "--max-workers", "1")
    resumed = flow_run(file, "--max-workers", "1", command="resume", root=failed.root, WELL="1")

    assert failed.code == 1
    assert resumed.code == 0, resumed.out
    assert resumed.value("join", "total") == [30]
    assert [(resumed.root / f"ran{n}").read_text() for n in range(6)] == [*"xxx", "xx", *"xx"]


def test_a_poisonous_item_stops_with_its_name(written, flow_run):
    above = RETRY.format(times=4, more=", poison_after=2")

    ran = flow_run(written(flow(KILL_3.format(times=9), above)), "--max-workers", "2")

    assert ran.code == 1
    assert "(item 3) is poison: its 2 attempts each ended their worker" in ran.out
    assert ran.attempts("work")[3] == 2


def test_catch_takes_over_once_an_item_has_killed_enough(written, flow_run):
    above = RETRY.format(times=1, more=", poison_after=1") + "\n    @catch(var='failure')"

    ran = flow_run(written(flow(KILL_3.format(times=9), above).replace(
        "one.x for one in inputs", "one.x for one in inputs if not one.failure")))  # fmt: skip

    assert ran.code == 0, ran.out
    assert ran.value("join", "total") == [24]
    assert ran.attempts("work")[3] == 3


def test_the_death_of_an_idle_worker_is_nobodys(written, flow_run):
    """Item 0 has its worker killed once it is idle; item 1 ends the other, and needs a third."""
    body = """        if self.input == 0:
            kill = f"sleep 0.5; kill -9 {os.getpid()}"
            os.system(f"setsid sh -c '{kill}' >/dev/null 2>&1 &")
        elif current.retry_count == 0:
            time.sleep(2)
            os._exit(1)"""
    above = RETRY.format(times=1, more="")

    ran = flow_run(written(flow(body, above, items=2)), "--max-workers", "2")

    assert ran.code == 0, ran.out
    assert ran.attempts("work") == [1, 2]
    assert "idle" in [e["why"] for e in ran.events("work") if e["event"] == "worker"]


DIES_AFTER = """
import os
from metaflow.decorators import StepDecorator
from metaflow.plugins import STEP_DECORATORS
found = next(deco for deco in STEP_DECORATORS if deco.name == "resources")
def task_finished(self, *_):
    os.kill(os.getpid(), 9)
found.task_finished = task_finished
"""


def test_an_item_that_was_done_when_its_worker_died_is_not_run_again(written, flow_run):
    """DONE is written, then the word of it is lost: plain Metaflow would run it twice."""
    above = RETRY.format(times=2, more="") + "\n    @resources(cpu=1)"

    ran = flow_run(written(flow(above=above), before=DIES_AFTER), "--max-workers", "2")

    assert ran.code == 0, ran.out
    assert ran.attempts("work") == [1] * 6
    assert ran.value("join", "total") == [30]


def test_an_item_that_ends_the_process_well_but_says_nothing_fails_as_in_metaflow(
    written, flow_run
):
    file = written(flow("        if self.input == 2: os._exit(0)"))

    pooled = flow_run(file, "--max-workers", "1")
    stock = flow_run(file, "--max-workers", "1", METAFLOW_WORKER_POOL_LAUNCH="never")

    assert pooled.code == stock.code == 1
    assert "No completed attempts of the task was found" in pooled.out
    assert "No completed attempts of the task was found" in stock.out


def test_a_failed_item_stops_those_that_wait_and_those_that_run(written, flow_run):
    body = """        if self.input == 0: sys.exit(3)
        open(f"began{self.input}", "w").close()
        time.sleep(60)"""

    ran = flow_run(written(flow(body)), "--max-workers", "6")

    assert ran.code == 1
    assert len(list(ran.root.glob("began*"))) <= 1
    assert not running(str(ran.root))


def running(text):
    import psutil

    seen = psutil.process_iter(["cmdline", "environ"])
    return [process for process in seen if text in str(process.info["environ"])]


def test_nothing_is_left_running_when_the_scheduler_is_killed(
    written, run_at, tmp_path, eventually
):
    import signal
    import subprocess
    import sys

    import psutil

    body = "        open('began', 'w').close(); time.sleep(1)"
    home = tmp_path / "home"
    home.mkdir()
    env = run_at.environment(home)
    argv = [sys.executable, str(written(flow(body))), "--no-pylint", "run", "--max-workers", "2"]
    with subprocess.Popen(argv, cwd=home, env=env, stdout=subprocess.DEVNULL) as process:
        eventually((home / "began").exists)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)

    eventually(lambda: not any(worker.is_running() for worker in workers), 20)
    assert workers


def test_ctrl_c_ends_items_that_run_and_items_that_wait(written, run_at, tmp_path, eventually):
    import os
    import signal
    import subprocess
    import sys

    import psutil

    body = "        open(f'began{self.input}', 'w').close(); time.sleep(60)"
    home = tmp_path / "home"
    home.mkdir()
    argv = [sys.executable, str(written(flow(body))), "--no-pylint", "run", "--max-workers", "6"]
    with subprocess.Popen(
        argv, cwd=home, env=run_at.environment(home), stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT, start_new_session=True,
    ) as process:  # fmt: skip
        eventually(lambda: len(list(home.glob("began*"))) == 2)
        workers = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=60)

    assert process.returncode != 0
    assert "Workflow interrupted" in out
    assert len(list(home.glob("began*"))) == 2
    assert workers
    assert not any(worker.is_running() for worker in workers)
