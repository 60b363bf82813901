"""In the process that runs a test: say what pytest's own report cannot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_metaflow_backends import birth, causes, fixtures
from pytest_metaflow_backends.collection import EMPTY_PARAMETERS
from pytest_metaflow_backends.item import ItemState, state_of
from pytest_metaflow_backends.records import Cause, SkipKind
from pytest_metaflow_backends.results import cut

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_metaflow_backends.context import RunContext

# Characters of an exception's text that are kept as its message: a failed flow's ends with the log
# of its task, and the last of that is why.
MESSAGE_HEAD, MESSAGE_TAIL = 600, 1400
LENIENT_XFAIL = (
    "an xfail that is not strict can never be red; on a backend test use strict=True or, with an "
    "owner and an end date, expect_failures in the matrix"
)
IDLE_XFAIL = (
    "an xfail with run=False tests nothing; on a backend test leave `run` out, or skip it with a "
    "reason"
)
CALLED_XFAIL = (
    "pytest.xfail() ends a test before it can show anything; on a backend test use a strict mark "
    "or, with an owner and an end date, expect_failures in the matrix"
)
OURS = frozenset({LENIENT_XFAIL, IDLE_XFAIL, CALLED_XFAIL})
EMPTY_SET = (
    "parametrised with nothing, so nothing would be tested; give it values, or skip it with a "
    "reason (set empty_parameter_set_mark = fail_at_collect to find these at collection)"
)


class Reporting:
    """Classifies failures and attaches the test's place in the matrix to its reports.

    Simple attributes of a report travel from an xdist worker to the controller.
    """

    def __init__(self, config: pytest.Config, run: RunContext) -> None:
        self.config = config
        self.run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        state = state_of(item)
        state.begin()
        if self.run.deadline is not None and time.time() > self.run.deadline:
            state.skip_kind = SkipKind.DEADLINE
            pytest.skip("not started: the time limit of --metaflow-deadline was reached")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        state = state_of(item)
        if state.column is None and report.outcome == "passed":
            if report.sections or report.user_properties:
                birth.redact(report, self.run.redact)
            return report  # the commonest case by far costs nothing more
        if state.column is not None:
            self._judge_on_matrix(item, report, call, state)
        elif report.outcome == "skipped" and _skip_reason(report).startswith(EMPTY_PARAMETERS):
            _fail(report, EMPTY_SET)
        report.metaflow = self._facts(report, call, state)  # type: ignore[attr-defined]
        birth.redact(report, self.run.redact)
        return report

    def _judge_on_matrix(
        self,
        item: pytest.Item,
        report: pytest.TestReport,
        call: pytest.CallInfo[None],
        state: ItemState,
    ) -> None:
        """Turn into red what pytest lets pass: lenient xfails, expired expectations, no values."""
        if _skip_reason(report).startswith(EMPTY_PARAMETERS):
            _fail(report, EMPTY_SET)
        elif hasattr(report, "wasxfail") and not _runs(item):
            _fail(report, IDLE_XFAIL)
        elif call.excinfo is not None and call.excinfo.errisinstance(pytest.xfail.Exception):
            _fail(report, CALLED_XFAIL)
        elif hasattr(report, "wasxfail") and not self._strict(item):
            _fail(report, LENIENT_XFAIL)
        elif state.expired and report.when == "call" and report.outcome == "passed":
            _fail(report, _expired(state))
        elif state.undeclared and report.outcome == "failed" and report.when != "teardown":
            state.skip_kind = SkipKind.CAPABILITY
            reason = f"fails without the undeclared {', '.join(state.undeclared)}, as declared"
            report.outcome = "skipped"
            report.longrepr = (str(item.path), 0, f"Skipped: {reason}")

    def _strict(self, item: pytest.Item) -> bool:
        default = bool(self.config.getini("xfail_strict") or _ini(self.config, "strict"))
        marks = list(item.iter_markers("xfail"))
        return all(mark.kwargs.get("strict", default) for mark in marks) and bool(marks)

    def _facts(
        self, report: pytest.TestReport, call: pytest.CallInfo[None], state: ItemState
    ) -> dict[str, Any]:
        facts: dict[str, Any] = {"key": state.key}
        if state.column is not None:
            facts |= {"backend": state.column.backend, "variant": state.column.variant}
            facts |= {"owner": state.expectation.owner} if state.expectation else {}
        if state.undeclared and report.outcome == "passed" and report.when == "call":
            facts["drift"] = list(state.undeclared)
        if state.skip_kind is not None:
            facts["skip_kind"] = state.skip_kind.value
        if report.outcome == "failed" or hasattr(report, "wasxfail"):
            facts |= self._failure(report, call, state)
        if report.when == "teardown":
            facts |= _gathered(state)
        return facts

    def _failure(
        self, report: pytest.TestReport, call: pytest.CallInfo[None], state: ItemState
    ) -> dict[str, Any]:
        error = call.excinfo.value if call.excinfo is not None else None
        kind = type(error).__name__ if error is not None else "Failed"
        message = cut(self.run.redact(_said(report, error, state)), MESSAGE_HEAD, MESSAGE_TAIL)
        place = report.nodeid.partition("[")[0]
        cause = self._cause(error)
        if cause is Cause.BACKEND and state.column is not None:
            fixtures.report_failure(self.config, state.column, message.partition("\n")[0])
        return {
            "type": kind,
            "message": message,
            "cause": cause.value,
            "fingerprint": causes.fingerprint(kind, message, place),
        }

    def _cause(self, error: BaseException | None) -> Cause:
        if error is None:
            return Cause.TEST
        answer = self.config.hook.pytest_metaflow_classify(error=error)
        return answer or causes.classify(error)


def _runs(item: pytest.Item) -> bool:
    return all(mark.kwargs.get("run", True) for mark in item.iter_markers("xfail"))


def _said(report: pytest.TestReport, error: BaseException | None, state: ItemState) -> str:
    """Say what went wrong: our own words where we turned something red, else the exception's."""
    if isinstance(report.longrepr, str) and report.longrepr in OURS:
        text = report.longrepr
    else:
        text = causes.text_of(error) if error is not None else report.longreprtext
    known = state.expectation
    if not state.expired or known is None:
        return text
    return f"{text}\n({known.where}: the expectation of this failure expired on {known.until})"


def _gathered(state: ItemState) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "runs": [asdict(run) for run in state.runs],
        "snapshots": [{"name": s.name, "data": dict(s.data)} for s in state.snapshots],
    }


def _expired(state: ItemState) -> str:
    known = state.expectation
    if known is None:  # only a state that has one can be expired
        raise ValueError(state.key)
    return f"{known.where}: this expectation expired on {known.until}; it passes, so remove it"


def _skip_reason(report: pytest.TestReport) -> str:
    if report.outcome != "skipped" or not isinstance(report.longrepr, tuple):
        return ""
    return report.longrepr[2].removeprefix("Skipped: ")


def _fail(report: pytest.TestReport, message: str) -> None:
    report.outcome = "failed"
    report.longrepr = message
    if hasattr(report, "wasxfail"):
        del report.wasxfail


def _ini(config: pytest.Config, name: str) -> bool:
    """Read a boolean setting that older releases of pytest do not have."""
    try:
        return bool(config.getini(name))
    except (KeyError, ValueError):
        return False
