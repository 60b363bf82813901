"""In the controlling process: follow the run, record it, and end it honestly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ParamSpec

import pytest

from pytest_metaflow_backends import fixtures, results, sessioninfo
from pytest_metaflow_backends.collection import MISTAKE
from pytest_metaflow_backends.errors import ExitCode, RecordingError
from pytest_metaflow_backends.item import key_of
from pytest_metaflow_backends.recorder import Recorder
from pytest_metaflow_backends.records import Drift, Finish, Outcome, Record, SkipKind
from pytest_metaflow_backends.stopping import STOPPED
from pytest_metaflow_backends.tally import Tally
from pytest_metaflow_backends.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_metaflow_backends.context import RunContext

P = ParamSpec("P")
NAMED = 3  # things that could not be collected which the records name


class Recording:
    """One test at a time from reports to a result; then the exit code of the whole run."""

    def __init__(self, config: pytest.Config, run: RunContext) -> None:
        self.config = config
        self.run = run
        self.tally = Tally()
        self.notes: list[str] = []
        self.recorder: Recorder | None = None
        self._reports: dict[str, list[pytest.TestReport]] = {}
        self._left = ""  # why somebody ended the run early
        self._uncollected: list[str] = []  # what could not be collected, and why
        self._mistakes = 0  # how many of these are mistakes of whoever wrote the tests

    def pytest_sessionstart(self) -> None:
        """Open the records once the options are known to be right: a typing error leaves none."""
        if self.run.records is not None and not self.config.option.collectonly:
            path = self.run.records / f"{self.run.session}.jsonl"
            try:
                self.recorder = Recorder(path, self.run.redact)
                self.recorder.write(
                    sessioninfo.describe(
                        self.run.session,
                        [c.name for c in self.run.columns],
                        self.run.context,
                        sessioninfo.within(
                            self.config.rootpath, self.config.invocation_params.args
                        ),
                        self.run.redact,
                        sessioninfo.after_all_in(self.run.records),
                    )
                )
            except RecordingError as error:
                raise pytest.UsageError(str(error)) from error

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what could not be collected: no test of it will ever say so."""
        if report.failed:
            self._uncollected.append(self.run.redact(_why_uncollected(report)))
            self._mistakes += hasattr(report, MISTAKE)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self._reports.get(nodeid):
            return  # another attempt of the same test
        self._reports[nodeid] = []
        if self.recorder is not None:
            self._kept(self.recorder.started, nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        nodeid = report.nodeid  # pytest builds it anew at every look
        crashed = report.when == results.CRASH
        if crashed:  # xdist made it, and knows no column
            report.metaflow = self._place_of(nodeid)  # type: ignore[attr-defined]
        self._reports.setdefault(nodeid, []).append(report)
        if crashed:  # no logfinish will follow
            self._finished(nodeid)

    def _place_of(self, nodeid: str) -> dict[str, str | None]:
        """Find the column that a node id names, as the plugin itself wrote it.

        The longest name that fits is meant: `a-2` also looks like a parameter 2 in column `a`.
        """
        for column in sorted(self.run.columns, key=lambda column: -len(column.name)):
            if (key := key_of(nodeid, column.name)) != nodeid:
                return {"key": key, "backend": column.backend, "variant": column.variant}
        return {}

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        reports = self._reports.get(nodeid)
        if reports and results.plainly_passed(reports):
            del self._reports[nodeid]
            self.tally.add_passes()
            self._record_pass(reports)
        elif reports and not results.tried_again(reports):
            self._finished(nodeid)

    def _finished(self, nodeid: str) -> None:
        reports = self._reports.pop(nodeid, None)
        if not reports or not results.came_to_an_end(reports):
            return
        result = results.result_of(reports, self.run.redact)
        self.tally.add(result)
        self._write(result)
        for record in results.gathered(result, reports):
            self._write(record)
            if isinstance(record, Drift):
                self.notes.append(f"{result.id} passes although {record.capability} is undeclared")
        self.config.hook.pytest_metaflow_result(result=result)

    def _record_pass(self, reports: list[pytest.TestReport]) -> None:
        if self.recorder is None:
            return
        report = reports[-1]
        file, line, _ = report.location
        seconds = sum(r.duration for r in reports)
        worker = getattr(report, "worker_id", "")
        number = 0 if line is None else line + 1
        self._kept(self.recorder.passed, report.nodeid, seconds, file, number, worker)

    def _write(self, record: Record) -> None:
        if self.recorder is not None:
            self._kept(self.recorder.write, record)

    def _kept(self, write: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        """Write, and end the run at once if that fails: what nobody can read must not be green."""
        try:
            write(*args, **kwargs)
        except RecordingError as error:
            self.recorder = None
            self.notes.append(str(error))
            pytest.exit(str(error), returncode=ExitCode.INTERNAL)

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        """Note that the run ends early; `pytest.exit` may claim that all is well."""
        self._left = f"the run was left early: {excinfo.value}"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, None, None]:
        code, reasons = self.tally.exit_code(
            self._given(int(exitstatus)),
            required=self.run.required,
            forced=self.run.forced,
            planned=0 if self.config.option.collectonly else session.testscollected,
        )
        if self._left and code == ExitCode.GREEN:
            code, reasons = ExitCode.INTERRUPTED, [self._left]
        self.notes += reasons
        session.exitstatus = code
        yield  # xdist ends its workers here
        session.exitstatus = code or session.exitstatus  # others may add red, never take it away
        for nodeid in list(self._reports):  # announced another attempt, and it never came
            self._finished(nodeid)
        fixtures.close_lifecycle(self.config)
        if self.recorder is not None:
            late = self.tally.late or any(c.late for c in self.tally.columns.values())
            finish = Finish(
                exitstatus=int(session.exitstatus),
                ended=time.time(),
                reason=self._reason(late=bool(late)),
                counts={outcome.value: n for outcome, n in self.tally.outcomes.items()},
            )
            self._write(finish)

    def _given(self, exitstatus: int) -> int:
        """Give pytest's own answer; a collection that only mistakes ended is a usage error.

        xdist ends it as if tests had failed.
        """
        only = self._mistakes and self._mistakes == len(self._uncollected)
        ended = exitstatus in {ExitCode.INTERRUPTED, ExitCode.RED} and not self.tally.outcomes
        return ExitCode.USAGE if only and ended else exitstatus

    def _reason(self, *, late: bool) -> str:
        stopped = self.config.stash.get(STOPPED, SkipKind.DEADLINE.value if late else "")
        return stopped or "; ".join(self._uncollected[:NAMED]) or self._left

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        not_run = self.tally.outcomes.get(Outcome.NOT_RUN, 0)
        lines = [*dict.fromkeys(self.notes)]
        if not_run:
            lines.append(f"not run: {counted(not_run, 'planned test')}")
        if lines:
            terminalreporter.section("metaflow backends")
            for line in lines:
                terminalreporter.line(line, red=True)


def _why_uncollected(report: pytest.CollectReport) -> str:
    """Say in a line what could not be collected: pytest marks what an exception says by E."""
    lines = report.longreprtext.splitlines()
    said = [line[1:].strip() for line in lines if line.startswith("E ")] or lines
    return f"{report.nodeid or 'the tests'} could not be collected: {(said or [''])[-1].strip()}"
