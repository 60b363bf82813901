"""What a launcher that is told to end does; all else of it is seen on a real cluster."""

from __future__ import annotations

import signal
from contextlib import closing

import pytest
from metaflow_extensions.nomad.errors import NomadError, UnreachableError
from metaflow_extensions.nomad.job.identity import Attempt
from metaflow_extensions.nomad.logs.spool import Spool
from metaflow_extensions.nomad.trampoline import LAST_TRY, Trampoline, _exit_code, _let_go
from metaflow_extensions.nomad.watch.ending import Cause, Ending, ending


class Launched:
    """A launch whose job can, or cannot, be stopped."""

    name = "mf-x"

    def __init__(self, problem=None):
        self.client = self.session = self.screen = self
        self.patience, self.problem = 1800.0, problem
        self.said, self.stopped = [], 0

    def hurry(self, seconds):
        self.patience = seconds

    def stop(self):
        self.stopped += 1
        if self.problem:
            raise self.problem

    def say(self, text):
        self.said.append(text)


def test_a_job_is_stopped_without_much_patience():
    launch = Launched()

    _let_go(launch)

    assert (launch.stopped, launch.patience, launch.said) == (1, LAST_TRY, [])


@pytest.mark.parametrize("problem", [UnreachableError("http://x: down"), NomadError("denied")])
def test_a_job_that_cannot_be_stopped_is_named(problem):
    launch = Launched(problem)

    _let_go(launch)

    assert launch.said == [f"Job mf-x may run on: {problem}"]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (Ending(Cause.DONE, "", 0), 0),
        (ending(Cause.EXIT, "", 7), 7),
        (ending(Cause.LOST, ""), 1),
        (Ending(Cause.EXIT, "", 0), 1),
        (ending(Cause.VALIDATION, ""), 202),
        (Ending(Cause.IMAGE, "", retry=False), 202),
    ],
)
def test_the_exit_code_says_whether_a_retry_makes_sense(end, code):
    assert _exit_code(end) == code


def test_what_is_ignored_on_purpose_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        made = object.__new__(Trampoline)
        with made._stopped_with_us(Launched()):
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_stops_the_job_and_is_named():
    launch, made = Launched(), object.__new__(Trampoline)

    with pytest.raises(NomadError, match="stopped by SIGTERM"), made._stopped_with_us(launch):
        signal.raise_signal(signal.SIGTERM)

    assert launch.stopped == 1
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_an_end_that_cannot_be_stored_changes_nothing_else():
    launch, made = Launched(), object.__new__(Trampoline)
    made._attempt = Attempt("F", "1", "s", "1", 0, "s3://b")
    made._store = None  # nothing of it works

    with closing(Spool()) as spool:
        made._leave(ending(Cause.EXIT, "x", 7), spool, launch)

    assert "could not be stored" in launch.said[0]
