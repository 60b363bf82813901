"""Workers killed at random points of a wide foreach: nothing is lost, and nothing done twice."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

FLOW = """
    @step
    def start(self):
        self.items = list(range({items}))
        self.next(self.work, foreach="items")

    @worker_pool(size=2, poison_after="none")
    @retry(times=4, minutes_between_retries=0)
    @step
    def work(self):
        import time
        self.x = self.input
        time.sleep(0.004)
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.x for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass
"""
WORKER = "worker-pool"  # the task id in the command of a worker


class Killer(threading.Thread):
    """Kills a worker of a run now and then, until it has killed enough."""

    def __init__(self, pid, kills, seed):
        super().__init__(daemon=True)
        self._run, self._wanted, self._random = psutil.Process(pid), kills, random.Random(seed)  # noqa: S311
        self.kills = 0

    def run(self):
        while self.kills < self._wanted and self._run.is_running():
            time.sleep(self._random.uniform(0.05, 0.4))
            found = [one for one in self._children() if WORKER in one.cmdline() and serves(one)]
            if found:
                victim = self._random.choice(found)
                victim.kill()
                self.kills += 1

    def _children(self):
        try:
            return [one for one in self._run.children() if one.status() != psutil.STATUS_ZOMBIE]
        except psutil.NoSuchProcess:
            return []


def serves(process):
    """Tell if a worker has loaded the flow: until then its output is kept in memory.

    One that is killed before is charged to its item too, as a process is in plain Metaflow; on a
    busy machine five kills in a row would hit the same item.
    """
    with suppress(OSError):
        return "memfd:" not in str(Path(f"/proc/{process.pid}/fd/1").readlink())
    return False


def killed_run(written, run_at, home, items, kills):
    home.mkdir()
    argv = [sys.executable, str(written(FLOW.format(items=items))), "--no-pylint", "run"]
    argv += ["--max-workers", "2", "--max-num-splits", str(items)]
    with subprocess.Popen(
        argv, cwd=home, env=run_at.environment(home), stdout=subprocess.PIPE, text=True,
        stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        killer = Killer(process.pid, kills, seed=items)
        killer.start()
        out, _ = process.communicate(timeout=1500)
    return process.returncode, out, killer.kills


@pytest.mark.parametrize(
    ("items", "kills"),
    [(200, 5), pytest.param(1000, 50, marks=pytest.mark.slow)],
    ids=["5 kills", "50 kills"],
)
def test_killed_workers_cost_an_attempt_each_and_nothing_is_lost(
    written, run_at, tmp_path, ran_at, items, kills
):
    code, out, killed = killed_run(written, run_at, tmp_path / "home", items, kills)

    ran = ran_at(code, out, tmp_path / "home")
    done = [len(list(task.glob("?.DONE.lock"))) for task in ran.tasks("work")]
    assert code == 0, out[-3000:]
    assert killed == kills
    assert ran.value("join", "total") == [sum(range(items))]
    assert done == [1] * items
    assert sum(ran.attempts("work")) - items <= killed
