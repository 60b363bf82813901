"""How a pytest run ends: pytest's own answer, corrected where nothing happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import ExitCode
from pytest_metaflow_backends.records import Outcome, Result, SkipKind
from pytest_metaflow_backends.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

EXECUTED = frozenset(Outcome) - {Outcome.SKIPPED, Outcome.NOT_RUN}
RED = frozenset({Outcome.FAILED, Outcome.ERROR, Outcome.CRASHED, Outcome.TIMEOUT, Outcome.XPASSED})
# Ends that say more than any tally could: interrupted, internal error, usage error.
FINAL = frozenset({ExitCode.INTERRUPTED, ExitCode.INTERNAL, ExitCode.USAGE})


@dataclass
class ColumnTally:
    """What was seen of one column."""

    results: int = 0
    executed: int = 0
    unavailable: str = ""  # the reason, once
    late: int = 0  # tests not started because of the deadline


@dataclass
class Tally:
    """Counts results by outcome and by column."""

    outcomes: dict[Outcome, int] = field(default_factory=dict)
    columns: dict[str, ColumnTally] = field(default_factory=dict)
    late: int = 0  # tests outside the matrix that were not started because of the deadline

    def add(self, result: Result) -> None:
        self.outcomes[result.outcome] = self.outcomes.get(result.outcome, 0) + 1
        late = result.skip_kind is SkipKind.DEADLINE
        if result.backend is None:
            self.late += late
            return
        column = self.columns.setdefault(result.column, ColumnTally())
        column.results += 1
        column.executed += result.outcome in EXECUTED
        column.late += late
        if result.skip_kind is SkipKind.UNAVAILABLE:
            column.unavailable = column.unavailable or result.skip_reason

    def add_passes(self, count: int = 1) -> None:
        """Count plain passes outside the matrix."""
        self.outcomes[Outcome.PASSED] = self.outcomes.get(Outcome.PASSED, 0) + count

    def exit_code(
        self,
        given: int,
        *,
        required: Collection[str],
        forced: Collection[str],
        planned: int = 0,
    ) -> tuple[int, list[str]]:
        """Correct pytest's exit code; also give a line for each correction.

        `required` columns count if any of their tests was planned, `forced` ones in any case.
        `planned` says how many tests the run had.
        """
        if given in FINAL:
            return given, []
        absent = list(self._unavailable(required))
        if absent:
            return ExitCode.REQUIRED_UNAVAILABLE, absent
        if given == ExitCode.NOTHING_SELECTED and not self.columns:
            return given, []
        wrong = [*self._idle(required, forced), *self._late()]
        if given == ExitCode.GREEN:
            wrong += [*self._hidden(), *self._unreported(planned)]
            wrong += [] if wrong else [*self._nothing(planned)]
        return (ExitCode.RED, wrong) if wrong else (given, [])

    def _nothing(self, planned: int) -> Iterator[str]:
        """Say that all that was planned for backends was skipped, and no backend said why."""
        said_why = any(column.unavailable for column in self.columns.values())
        if planned and self.columns and not said_why and not {*self.outcomes} & EXECUTED:
            yield f"nothing was executed of {counted(planned, 'planned test')}"

    def _hidden(self) -> Iterator[str]:
        """Name red results that pytest does not count, e.g. a crash that was tried again."""
        for outcome in sorted(RED & {*self.outcomes}):
            yield f"{counted(self.outcomes[outcome], 'test')} {outcome.value}"

    def _unreported(self, planned: int) -> Iterator[str]:
        missing = planned - sum(self.outcomes.values())
        if missing > 0:
            yield f"{counted(missing, 'planned test')} never reported a result"

    def _unavailable(self, required: Collection[str]) -> Iterator[str]:
        for name, column in self.columns.items():
            if name in required and column.unavailable:
                yield f"{name} is required and not available: {column.unavailable}"

    def _idle(self, required: Collection[str], forced: Collection[str]) -> Iterator[str]:
        for name in sorted({*self.columns} & {*required} | {*forced}):
            column = self.columns.get(name, ColumnTally())
            if not column.executed:
                tests = counted(column.results, "test")
                yield f"{name} is required and nothing was executed of its {tests}"

    def _late(self) -> Iterator[str]:
        if self.late:
            yield f"not started before the deadline: {counted(self.late, 'test')}"
        for name, column in self.columns.items():
            if column.late:
                yield f"{name}: not started before the deadline: {counted(column.late, 'test')}"
