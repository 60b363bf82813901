"""Give every test that asks for a backend one copy per column, and refuse what would hide."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from pytest_metaflow_backends import birth, capabilities, causes, expectations, fixtures, selection
from pytest_metaflow_backends.errors import ExitCode, RecordingError, UsageError
from pytest_metaflow_backends.item import STATE, ItemState, key_of, state_of
from pytest_metaflow_backends.matrix.suggest import did_you_mean
from pytest_metaflow_backends.recorder import Recorder
from pytest_metaflow_backends.records import Part, Plan

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from pytest_metaflow_backends.context import RunContext
    from pytest_metaflow_backends.matrix.model import Column

PLAN_LINE = 500  # tests per line of the plan
# Stands for the columns of a test of other backends than this run's; it is deselected.
NOWHERE = "not-in-this-run"
SKIPS_ITSELF = (
    "the {what} skips itself whole, so its tests would be missing and nobody would know; skip them "
    "one by one: pytestmark = pytest.mark.skipif(..., reason=...)"
)
EXAMPLES = {"backends": "nomad", "needs": "foreach"}  # a word of each mark that is ours
NEED_OURS = frozenset({"mf_flow", "mf_runner", "mf_deployer"})  # fixtures that ask for `backend`
OURS = "pytest_metaflow_backends."
MISTAKE = "metaflow_mistake"  # attribute of a report of collection
EMPTY_PARAMETERS = "got empty parameter set"
# The first release whose `condition` may look at the exception.
RERUNS_BY_CAUSE = 16


class Collection:
    """The hooks of collection; the same in the controller and in every worker."""

    def __init__(self, config: pytest.Config, run: RunContext) -> None:
        self.config = config
        self.run = run
        self.today = dt.datetime.now(tz=dt.timezone.utc).date()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Refuse `-m nomda`: pytest itself would select nothing and say little."""
        expression = self.config.getoption("markexpr", "") or ""
        known = {
            line.partition(":")[0].partition("(")[0].strip()
            for line in self.config.getini("markers")
        }
        unknown = selection.unknown_markers(expression, known)
        if unknown:
            raise pytest.UsageError(
                "\n".join(
                    f"-m {expression!r}: there is no marker {word!r}{did_you_mean(word, known)}"
                    for word in unknown
                )
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "backend" not in metafunc.fixturenames or _has_own_backend(metafunc):
            return
        marks = list(metafunc.definition.iter_markers("backends"))
        wanted = {name for mark in marks for name in mark.args}
        self._check_names(metafunc.definition, wanted)
        _check_words(metafunc.definition, *marks, *metafunc.definition.iter_markers("needs"))
        _check_needs(metafunc)
        columns = [c for c in self.run.columns if not wanted or {c.backend, c.name} & wanted]
        params = [self._param(column) for column in columns] or [NOWHERE]
        metafunc.parametrize("backend", params, indirect=True)

    def _param(self, column: Column) -> Any:  # noqa: ANN401 - pytest's ParameterSet is private
        marker = getattr(pytest.mark, self.run.matrix.marker(column.backend))
        return pytest.param(column.name, marks=marker, id=column.name)

    def _check_names(self, item: pytest.Item, names: Iterable[str]) -> None:
        known = {n for c in self.run.matrix.columns for n in (c.name, c.backend)}
        for name in names:
            if name not in known:
                raise pytest.UsageError(
                    f"{item.nodeid}: @pytest.mark.backends names {name!r}, which is "
                    f"not in {self.run.matrix.path.name}{did_you_mean(name, known)}"
                )

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Refuse what skips itself whole: nobody would know which tests are missing."""
        report = yield
        if report.outcome == "skipped":
            what = "module" if isinstance(collector, pytest.Module) else "folder"
            report.outcome = "failed"
            report.longrepr = f"{collector.nodeid}: {SKIPS_ITSELF.format(what=what)}"
        elif (mistake := _mistake_of(report)) is not None:
            report.longrepr = str(mistake)  # who made it needs no frames of ours
            _mark_as_mistake(report)
        birth.redact(report, self.run.redact)
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            item.stash[STATE] = self._state(item)
        self._check_marks_of_values(items)
        if elsewhere := [item for item in items if _is_elsewhere(item)]:
            items[:] = [item for item in items if not _is_elsewhere(item)]
            self.config.hook.pytest_deselected(items=elsewhere)
        for item in items:
            self._add_marks(item, item.stash[STATE])
        self._check_expectations(items)

    def _check_marks_of_values(self, items: Iterable[pytest.Item]) -> None:
        """Refuse marks of single values, `pytest.param(..., marks=...)`, that say nothing we know.

        Only now are they known; each is an error of collection, as in `_check_expectations`.
        """
        for item in items:
            marks = _marks_of_values(item)
            try:
                _check_words(item, *marks)
                named = (m.args for m in marks if m.name == "backends")
                self._check_names(item, [name for names in named for name in names])
            except pytest.UsageError as error:
                self._tell_of_mistake(item.nodeid, str(error))

    def _check_expectations(self, items: Iterable[pytest.Item]) -> None:
        """Refuse known failures of no test, unless single tests of a file were asked for.

        Each is an error of collection: under xdist only workers know the tests, and what they raise
        here would be told as a crash.
        """
        if any("::" in str(arg) for arg in self.config.args):
            return
        states = [item.stash[STATE] for item in items]
        tests = {(state.key, state.column.name) for state in states if state.column is not None}
        known = self.run.matrix.expectations
        for line in expectations.idle(known, tests, self.config.rootpath):
            self._tell_of_mistake(line.partition(": ")[0], line)

    def _tell_of_mistake(self, where: str, line: str) -> None:
        report = _mark_as_mistake(pytest.CollectReport(where, "failed", line, []))
        self.config.hook.pytest_collectreport(report=report)

    def _state(self, item: pytest.Item) -> ItemState:
        params = getattr(getattr(item, "callspec", None), "params", {})
        name = params.get("backend")
        column = next((c for c in self.run.columns if c.name == name), None)
        if column is None or _has_own_values(item):
            return ItemState(key=item.nodeid)
        key = key_of(item.nodeid, column.name)
        expectation = next(
            (e for e in self.run.matrix.expectations if e.covers(key, column.name)), None
        )
        expired = expectation is not None and expectation.expired(self.today)
        return ItemState(key=key, column=column, expectation=expectation, expired=expired)

    def _add_marks(self, item: pytest.Item, state: ItemState) -> None:
        if state.column is None:
            return
        if state.expectation is not None and not state.expired:
            reason = f"{state.expectation.reason} (owner {state.expectation.owner})"
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
        if state.column.retries.infra and self._retries_possible(item):
            item.add_marker(
                pytest.mark.flaky(
                    reruns=state.column.retries.infra, condition=causes.is_infrastructure
                )
            )

    def _retries_possible(self, item: pytest.Item) -> bool:
        """Tell if pytest-rerunfailures can retry by cause and nobody asked for something else."""
        if not self.config.pluginmanager.hasplugin("rerunfailures"):
            return False
        asked = self.config.getoption("reruns", None) or item.get_closest_marker("flaky")
        return not asked and _major("pytest-rerunfailures") >= RERUNS_BY_CAUSE

    @pytest.hookimpl(tryfirst=True)
    def pytest_make_parametrize_id(self, val: object) -> str | None:
        """Keep secrets out of the names that pytest makes of texts, and prints everywhere."""
        if not isinstance(val, (str, bytes)):
            return None
        text = val if isinstance(val, str) else val.decode("ascii", "backslashreplace")
        masked = self.run.redact.name(text)
        return None if masked == text else masked

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write down what is going to run, before anything does.

        Under xdist only workers collect; the first to create the file writes it for all.
        """
        if self.run.controlling and any(state_of(item).column for item in session.items):
            fixtures.claim(self.config)
        if self.run.records is None or self.config.option.collectonly:
            return
        path = self.run.records / f"{self.run.session}.plan.jsonl"
        try:
            recorder = Recorder.create(path, self.run.redact)
            if recorder is not None:
                self._write_plan(recorder, session.items)
        except RecordingError as error:
            pytest.exit(str(error), returncode=ExitCode.INTERNAL)

    def _write_plan(self, recorder: Recorder, items: list[pytest.Item]) -> None:
        recorder.write(Part(session=self.run.session, worker=self.run.worker or "main"))
        for plan in self._plans(items):
            recorder.write(plan)
        recorder.close()

    def _plans(self, items: list[pytest.Item]) -> Iterator[Plan]:
        redact = self.run.redact.name
        columns: dict[tuple[str | None, str | None], list[tuple[str, str]]] = {}
        for item in items:
            state = state_of(item)
            place = (state.column.backend, state.column.variant) if state.column else (None, None)
            columns.setdefault(place, []).append((redact(item.nodeid), redact(state.key)))
        for (backend, variant), tests in columns.items():
            for start in range(0, len(tests), PLAN_LINE):
                chunk = tuple(tests[start : start + PLAN_LINE])
                yield Plan(tests=chunk, backend=backend, variant=variant)


def _mistake_of(report: pytest.CollectReport) -> pytest.UsageError | None:
    """Give the mistake of whoever wrote the tests that ended a collection, if one did."""
    excinfo = getattr(getattr(report, "call", None), "excinfo", None)
    error = excinfo.value if excinfo is not None else None
    return error if isinstance(error, pytest.UsageError) else None


def _mark_as_mistake(report: pytest.CollectReport) -> pytest.CollectReport:
    """Mark a report in a way that also reaches the controller of xdist."""
    setattr(report, MISTAKE, True)
    return report


def _check_words(item: pytest.Item, *marks: pytest.Mark) -> None:
    """Refuse marks that would restrict nothing: without a word, or with words by name."""
    for mark in marks:
        if mark.kwargs or not mark.args:
            raise pytest.UsageError(
                f"{item.nodeid}: @pytest.mark.{mark.name} takes its words one after the other, "
                f'e.g. @pytest.mark.{mark.name}("{EXAMPLES[mark.name]}")'
            )


def _marks_of_values(item: pytest.Item) -> list[pytest.Mark]:
    """Give the marks that stand beside a value of a parameter, and are ours."""
    found = getattr(getattr(item, "callspec", None), "marks", ())
    return [mark for mark in found if mark.name in EXAMPLES]


def _check_needs(metafunc: pytest.Metafunc) -> None:
    """Refuse needs that no backend could have, before anything is started for them."""
    marks = metafunc.definition.iter_markers("needs")
    try:
        capabilities.refuse_unknown([name for mark in marks for name in mark.args])
    except UsageError as error:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}") from error


def _has_own_backend(metafunc: pytest.Metafunc) -> bool:
    """Tell if the test brings its own values for `backend`, or a fixture of that name.

    Ours would clash, or the test would count for a column that it never sees. One that asks for a
    flow too is told so when it runs.
    """
    if any(_about_backend(metafunc.definition)):
        return True
    return not NEED_OURS & {*metafunc.fixturenames} and not _is_ours(metafunc.definition)


def _is_ours(item: pytest.Item) -> bool:
    """Tell if the fixture `backend` is ours, maybe below others that ask for it themselves."""
    known = item._fixtureinfo.name2fixturedefs  # type: ignore[attr-defined]  # noqa: SLF001
    for definition in reversed(known.get("backend", ())):
        if definition.func.__module__.startswith(OURS):
            return True
        if "backend" not in definition.argnames:
            return False
    return False


def _has_own_values(item: pytest.Item) -> bool:
    """Tell if `backend` is a plain value of the test's own: then no column is tested."""
    for mark in _about_backend(item):
        indirect = mark.kwargs.get("indirect", False)
        if not (indirect is True or (indirect and "backend" in indirect)):
            return True
    return False


def _about_backend(node: pytest.Item) -> Iterator[pytest.Mark]:
    """Yield the marks that parametrise `backend`."""
    for mark in node.iter_markers("parametrize"):
        names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
        parts = names.split(",") if isinstance(names, str) else names
        if any(part.strip() == "backend" for part in parts):
            yield mark


def _is_elsewhere(item: pytest.Item) -> bool:
    """Tell if a test, or one of its values, names only backends that this run is not about."""
    if getattr(item, "callspec", None) is None:
        return False
    if item.callspec.params.get("backend") == NOWHERE:  # type: ignore[attr-defined]
        return True
    column = state_of(item).column
    named = [{*mark.args} for mark in _marks_of_values(item) if mark.name == "backends"]
    return column is not None and any(not {column.backend, column.name} & one for one in named)


def _major(distribution: str) -> int:
    from importlib.metadata import version

    return int(version(distribution).partition(".")[0])
