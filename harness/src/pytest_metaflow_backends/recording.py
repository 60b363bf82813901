"""In the controlling process: follow the run, record it, and end it honestly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pytest_metaflow_backends import fixtures, results, sessioninfo
from pytest_metaflow_backends.errors import ExitCode, RecordingError
from pytest_metaflow_backends.recorder import Recorder
from pytest_metaflow_backends.records import Drift, Finish, Outcome, Result, SkipKind, Snapshot
from pytest_metaflow_backends.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_metaflow_backends.context import RunContext


class Recording:
    """One test at a time from reports to a result; then the exit code of the whole run."""

    def __init__(self, config: pytest.Config, run: RunContext) -> None:
        self.config = config
        self.run = run
        self.tally = Tally()
        self.notes: list[str] = []
        self.recorder: Recorder | None = None
        self._reports: dict[str, list[pytest.TestReport]] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        if self.run.records is not None and not self.config.option.collectonly:
            path = self.run.records / f"{self.run.session}.jsonl"
            try:
                self.recorder = Recorder(path, self.run.redact)
                self.recorder.write(
                    sessioninfo.describe(
                        self.run.session,
                        [c.name for c in self.run.columns],
                        self.run.context,
                        self.config.invocation_params.args,
                        self.run.redact,
                    )
                )
            except RecordingError as error:
                raise pytest.UsageError(str(error)) from error

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._reports[nodeid] = []
        if self.recorder is not None:
            self._guarded(lambda recorder: recorder.started(nodeid))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._reports.setdefault(report.nodeid, []).append(report)
        if report.when == results.CRASH:  # no logfinish will follow
            self._finished(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._finished(nodeid)

    def _finished(self, nodeid: str) -> None:
        reports = self._reports.pop(nodeid, None)
        if not reports:
            return
        if results.plainly_passed(reports):
            self.tally.add_passes()
            self._record_pass(reports)
            return
        result = results.result_of(reports, self.run.redact)
        self.tally.add(result)
        self._guarded(lambda recorder: recorder.write(result))
        self._record_gathered(result, reports)
        self.config.hook.pytest_metaflow_result(result=result)

    def _record_pass(self, reports: list[pytest.TestReport]) -> None:
        recorder = self.recorder
        if recorder is None:
            return
        report = reports[-1]
        file, line, _ = report.location
        seconds = sum(r.duration for r in reports)
        worker = getattr(report, "worker_id", "")
        number = 0 if line is None else line + 1
        self._guarded(lambda r: r.passed(report.nodeid, seconds, file, number, worker))

    def _record_gathered(self, result: Result, reports: list[pytest.TestReport]) -> None:
        if result.backend is None:
            return
        for report in reports:
            facts = getattr(report, "metaflow", {})
            for snapshot in facts.get("snapshots", ()) if report is reports[-1] else ():
                record = Snapshot(
                    key=result.key,
                    backend=result.backend,
                    variant=result.variant,
                    name=snapshot["name"],
                    data=snapshot["data"],
                )
                self._guarded(lambda recorder, record=record: recorder.write(record))
            for capability in facts.get("drift", ()):
                drift = Drift(result.key, result.backend, capability, result.variant)
                self._guarded(lambda recorder, drift=drift: recorder.write(drift))
                self.notes.append(f"{report.nodeid} passes although {capability} is not declared")

    def _guarded(self, write: Callable[[Recorder], None]) -> None:
        """Record, or end the run at once: results nobody can read later must not look green."""
        if self.recorder is None:
            return
        try:
            write(self.recorder)
        except RecordingError as error:
            self.recorder = None
            self.notes.append(str(error))
            pytest.exit(str(error), returncode=ExitCode.INTERNAL)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(
        self, session: pytest.Session, exitstatus: int
    ) -> Generator[None, None, None]:
        code, reasons = self.tally.exit_code(
            int(exitstatus), required=self.run.required, forced=self.run.forced
        )
        self.notes += reasons
        session.exitstatus = code
        yield  # xdist ends its workers here
        fixtures.close_lifecycle(self.config)
        if self.recorder is not None:
            late = any(column.late for column in self.tally.columns.values())
            finish = Finish(
                exitstatus=int(session.exitstatus),
                ended=time.time(),
                reason=SkipKind.DEADLINE.value if late else "",
                counts={outcome.value: n for outcome, n in self.tally.outcomes.items()},
            )
            self._guarded(lambda recorder: recorder.write(finish))
            self.recorder.close()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        not_run = self.tally.outcomes.get(Outcome.NOT_RUN, 0)
        lines = [*dict.fromkeys(self.notes)]
        if not_run:
            lines.append(f"{not_run} planned tests were not run")
        if lines:
            terminalreporter.section("metaflow backends")
            for line in lines:
                terminalreporter.line(line, red=True)
