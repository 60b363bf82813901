"""A run on a scheduler ends when the scheduler says so, or has forgotten it."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from pytest_metaflow_backends.flow import deployed


@dataclass
class Run:
    finished: bool = False
    successful: bool = False


@dataclass
class Triggered:
    """What Metaflow gives for a triggered run; each look at the status is the next one."""

    statuses: list
    run: Run | None = None
    looks: list = field(default_factory=list)

    @property
    def status(self):
        self.looks.append(1)
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


WELL = Run(finished=True, successful=True)
BADLY = Run(finished=True, successful=False)
ENDS = {
    "it says it went well": (["Pending", "Running", "Succeeded"], None, 0),
    "it says it went badly": (["Running", "Failed"], Run(), 1),
    "it errs": (["Error"], None, 1),
    "forgotten, and the run went well": (["Running", None], WELL, 0),
    "forgotten, and the run failed at its end": (["Running", None], BADLY, 1),
    "forgotten, and nobody ran the last step": (["Running", "Running", None], Run(), 1),
    "forgotten before there was a run": (["Pending", "Pending", None], None, 1),
    "never known, and the run went well": ([None], WELL, 0),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("statuses", "run", "code"), ENDS.values(), ids=ENDS)
def test_a_deployed_run_is_waited_for_until_it_can_only_have_ended(
    monkeypatch, statuses, run, code
):
    monkeypatch.setattr(deployed, "POLL", 0.0)
    expected = code

    actual = deployed._wait(Triggered(list(statuses), run))

    assert expected == actual


def test_a_run_that_the_scheduler_does_not_know_yet_is_waited_for(monkeypatch):
    monkeypatch.setattr(deployed, "POLL", 0.0)
    triggered = Triggered([None, None, None, None, "Running", "Running", "Succeeded"])

    assert deployed._wait(triggered) == 0


def test_a_scheduler_that_says_nothing_for_a_moment_has_forgotten_nothing(monkeypatch):
    monkeypatch.setattr(deployed, "POLL", 0.0)
    blinks = ["Running", "Running", None, None, None, None, "Running", "Succeeded", "Succeeded"]

    assert deployed._wait(Triggered(blinks, Run())) == 0
