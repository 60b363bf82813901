from __future__ import annotations

import pytest
from pytest_metaflow_backends.records import Outcome, Result, SkipKind
from pytest_metaflow_backends.tally import Tally


def result(outcome, column="local", kind=None, reason=""):
    backend, _, variant = column.partition("/")
    return Result(
        id="t",
        key="t",
        outcome=outcome,
        backend=backend or None,
        variant=variant or None,
        skip_kind=kind,
        skip_reason=reason,
    )


PASSED = result(Outcome.PASSED)
SKIPPED = result(Outcome.SKIPPED, kind=SkipKind.CAPABILITY)
GONE = result(Outcome.NOT_RUN, kind=SkipKind.UNAVAILABLE, reason="no docker")
LATE = result(Outcome.NOT_RUN, kind=SkipKind.DEADLINE)
LOCAL, NOBODY = {"local"}, set()

ENDS = {
    "all passed": ([PASSED], 0, LOCAL, NOBODY, 0),
    "a failure stays red": ([result(Outcome.FAILED)], 1, LOCAL, NOBODY, 1),
    "required and unavailable": ([GONE], 0, LOCAL, NOBODY, 10),
    "required and unavailable beside a failure": ([GONE, PASSED], 1, LOCAL, NOBODY, 10),
    "optional and unavailable": ([GONE], 0, NOBODY, NOBODY, 0),
    "required, planned, and only skipped": ([SKIPPED], 0, LOCAL, NOBODY, 1),
    "optional and only skipped": ([SKIPPED], 0, NOBODY, NOBODY, 0),
    "required but none of its tests selected": ([], 0, LOCAL, NOBODY, 0),
    "forced and none of its tests there": ([PASSED], 0, NOBODY, {"k8s"}, 1),
    "nothing selected": ([], 5, LOCAL, LOCAL, 5),
    "not started before the deadline": ([PASSED, LATE], 0, NOBODY, NOBODY, 1),
    "a usage error stays one": ([GONE], 4, LOCAL, NOBODY, 4),
    "an interruption stays one": ([GONE], 2, LOCAL, NOBODY, 2),
}


@pytest.mark.parametrize(
    ("results", "given", "required", "forced", "code"), ENDS.values(), ids=ENDS
)
def test_a_run_ends_with_the_code_that_is_true(results, given, required, forced, code):
    tally = Tally()
    for one in results:
        tally.add(one)
    expected = code

    actual, reasons = tally.exit_code(given, required=required, forced=forced)

    assert expected == actual
    assert bool(reasons) == (actual != given)


def test_what_never_reported_or_is_red_behind_pytests_back_is_red():
    tally = Tally()
    tally.add(result(Outcome.CRASHED))

    actual = tally.exit_code(0, required=LOCAL, forced=NOBODY, planned=2)

    assert actual == (1, ["1 test crashed", "1 planned test never reported a result"])
