"""What `metaflow worker-pool advise` makes of a past run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from metaflow_extensions.worker_pool.advising.advice import Advice
from metaflow_extensions.worker_pool.advising.past import Item


def items(number, work, start, at_once):
    """Make items as a scheduler runs them that has so many processes."""
    length = work + start
    return [
        Item(n // at_once * length, n // at_once * length + start, (n // at_once + 1) * length)
        for n in range(number)
    ]


CASES = {
    "trivial items": (
        items(1000, 0.003, 0.25, 2),
        True,
        "the scheduler, which takes 3 ms for each",
    ),
    "short items": (items(100, 0.1, 0.25, 2), True, "with size=2, and saved"),
    "long items": (items(10, 60.0, 0.25, 2), False, "would not have helped"),
    "one item": (items(1, 0.1, 0.25, 1), False, "would not have helped"),
    "as many at a time as there were": (items(64, 0.5, 1.0, 16), True, "with size=16"),
    "thousands": (items(5000, 0.05, 0.25, 2), True, "scan for the join takes about 20.0 s"),
}


@pytest.mark.parametrize(("past", "worth", "sentence"), CASES.values(), ids=CASES)
def test_advice_is_what_the_times_say(past, worth, sentence):
    advice = Advice.of(past, cpus=2)

    assert advice.worth_it is worth
    assert sentence in "\n".join(advice.sentences())


FLOW = """
    @step
    def start(self):
        self.items = list(range(4))
        self.next(self.work, foreach="items")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


@pytest.fixture
def advise(run_at):
    def run(root, *words):
        program = Path(sys.executable).parent / "metaflow"
        done = subprocess.run(
            [str(program), "worker-pool", "advise", *words], env=run_at.environment(root),
            capture_output=True, text=True, check=False, cwd=root,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    return run


def test_a_real_run_is_read(written, flow_run, advise):
    ran = flow_run(written(FLOW), "--max-workers", "1")

    code, out, _ = advise(ran.root, f"Made/{ran.run.name}/work")
    _, facts, _ = advise(ran.root, f"Made/{ran.run.name}/work", "--json")

    assert code == 0
    assert "4 items took" in out
    assert "A pool would have taken about" in out
    assert json.loads(facts.splitlines()[-1])["items"] == 4


WRONG = {
    "no step": ("Made/1", "'Made/1' is no step; say FLOW/RUN/STEP"),
    "no run": ("Made/1/work", "Made/1/work cannot be read"),
}


@pytest.mark.parametrize(("pathspec", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_not_there_is_said_in_one_line(advise, tmp_path, pathspec, sentence):
    code, _, error = advise(tmp_path, pathspec)

    assert code == 1
    assert sentence in error
    assert "Traceback" not in error
