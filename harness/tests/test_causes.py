from __future__ import annotations

import subprocess

import pytest
from metaflow_backends import BackendError, InfrastructureError
from pytest_metaflow_backends.causes import classify, fingerprint, is_infrastructure
from pytest_metaflow_backends.errors import FlowTimeoutError
from pytest_metaflow_backends.records import Cause


def raised_from(outer, inner):
    outer.__cause__ = inner
    return outer


CAUSES = {
    "assertion": (AssertionError("1 == 2"), Cause.TEST),
    "infrastructure": (InfrastructureError("pod lost"), Cause.INFRA),
    "wrapped infrastructure": (
        raised_from(RuntimeError("flow failed"), InfrastructureError("pull")),
        Cause.INFRA,
    ),
    "backend": (BackendError("agent died"), Cause.BACKEND),
    "flow timeout": (FlowTimeoutError("10m"), Cause.TIMEOUT),
    "subprocess timeout": (subprocess.TimeoutExpired("x", 1), Cause.TIMEOUT),
    "pytest-timeout": (AssertionError("Timeout (>1.0s) from pytest-timeout."), Cause.TIMEOUT),
    "a test that only says so": (
        AssertionError("ImagePullBackOff: connection refused"),
        Cause.TEST,
    ),
}


@pytest.mark.parametrize(("error", "cause"), CAUSES.values(), ids=CAUSES)
def test_the_cause_is_told_by_the_exceptions_not_by_what_is_printed(error, cause):
    expected = cause

    actual = classify(error)

    assert expected is actual
    assert is_infrastructure(error) == (cause is Cause.INFRA)


def test_a_loop_of_causes_ends():
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first

    assert classify(first) is Cause.TEST


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 12 s", "took 7 s"),
        ("at 0x7f00aa", "at 0x7f11bb"),
        ("/a/b/c.py: x", "/d/e/f.py: x"),
        ("first\nsecond", "first\nthird"),
    ],
)
def test_failures_that_differ_in_numbers_only_share_a_fingerprint(one, other):
    assert fingerprint("E", one, "t") == fingerprint("E", other, "t")


def test_different_failures_have_different_fingerprints():
    prints = {
        fingerprint("E", "a", "t"),
        fingerprint("F", "a", "t"),
        fingerprint("E", "b", "t"),
        fingerprint("E", "a", "u"),
    }

    assert len(prints) == 4
