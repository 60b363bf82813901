"""JUnit XML as a stream: one test suite per column, and one for the verdict.

Tools that read JUnit count failures and know nothing of absence. So every reason for red that is
no test stands as a failed test case in the suite `verdict`. Attempts are written as Maven Surefire
does: `flakyFailure` before a pass, `rerunFailure` after a first failure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TextIO

from pytest_metaflow_backends.report import text, words
from pytest_metaflow_backends.report.model import Detail, Judgement, State
from pytest_metaflow_backends.report.text import xml_attribute, xml_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_metaflow_backends.records import Attempt, RunRef
    from pytest_metaflow_backends.report.model import ColumnVerdict, Grid, Report

# Anything that an attribute cannot hold as it is; names of tests hardly ever have it.
_SPECIAL = re.compile("[^ !#-%'-;=?-~]")
FAILURES = (State.FAILED, State.XPASSED)
ERRORS = (State.ERROR, State.CRASHED, State.TIMEOUT, State.MISSING)
SKIPS = (State.SKIPPED, State.XFAILED, State.NOT_RUN)
_ALL = tuple(State)


def render(report: Report, out: TextIO) -> None:
    """Write the whole document; `out` must take UTF-8."""
    out.write('<?xml version="1.0" encoding="utf-8"?>\n')
    columns = report.verdict.columns
    totals = _sum([_suite_counts(c.counts) for c in columns] + [_verdict_counts(report)])
    seconds = sum(column.seconds for column in columns)
    out.write(f"<testsuites name={xml_attribute(report.title)} {_attributes(totals, seconds)}>\n")
    for column in columns:
        out.writelines(_suite(report, column))
    out.writelines(_verdict_suite(report))
    out.write("</testsuites>\n")


def _suite_counts(counts: Mapping[State, int]) -> dict[str, int]:
    def count(states: tuple[State, ...]) -> int:
        return sum(counts.get(state, 0) for state in states)

    return {
        "tests": sum(n for state, n in counts.items() if state),
        "failures": count(FAILURES),
        "errors": count(ERRORS),
        "skipped": count(SKIPS),
    }


def _verdict_counts(report: Report) -> dict[str, int]:
    judged = [report.verdict.judgement, *(c.judgement for c in report.verdict.columns)]
    return {
        "tests": len(judged),
        "failures": judged.count(Judgement.FAILURE),
        "errors": 0,
        "skipped": judged.count(Judgement.NEUTRAL),
    }


def _sum(parts: list[dict[str, int]]) -> dict[str, int]:
    return {name: sum(part[name] for part in parts) for name in parts[0]}


def _attributes(counts: Mapping[str, int], seconds: float) -> str:
    said = " ".join(f'{name}="{count}"' for name, count in counts.items())
    return f'{said} time="{seconds:.3f}"'


def _suite(report: Report, column: ColumnVerdict) -> Iterator[str]:
    name = xml_attribute(words.column(column.column))
    counts = _suite_counts(column.counts)
    yield f"<testsuite name={name} {_attributes(counts, column.seconds)}>\n"
    facts = {
        "judgement": column.judgement.value,
        "reason": column.reason,
        "required": str(column.required).lower(),
        "provider": column.provider,
        **column.versions,
    }
    yield _properties(facts)
    yield from _cases(report.grid, column.column)
    yield "</testsuite>\n"


def _properties(facts: Mapping[str, str]) -> str:
    inside = "".join(
        f"<property name={xml_attribute(name)} value={xml_attribute(value)}/>"
        for name, value in facts.items()
        if value
    )
    return f"<properties>{inside}</properties>\n" if inside else ""


def _cases(grid: Grid, column: str) -> Iterator[str]:
    """Write one test case per cell; the clean ones as cheaply as possible."""
    if column not in grid.states:
        return
    details, seconds = grid.details, grid.seconds[column]
    for key, state, spent, line in zip(
        grid.keys, grid.states[column], seconds, grid.lines, strict=False
    ):
        if not state:
            continue
        inside = ""
        if state != State.PASSED:
            detail = details.get((key, column)) or Detail(key, column, _ALL[state], key)
            line = detail.line or line  # noqa: PLW2901 - the failing line says more
            inside = _inside(detail)
        yield f'<testcase {_names(key)}{_line(line)} time="{spent:.3f}"{_closed(inside)}\n'


def _names(key: str) -> str:
    file, _, test = key.partition("::")
    if not test:
        file, test = "", key
    scope, _, name = test.rpartition("::")
    dotted = file.removesuffix(".py").replace("/", ".")
    classname = f"{dotted}.{scope.replace('::', '.')}" if scope else dotted
    return f"classname={_attribute(classname)} name={_attribute(name)} file={_attribute(file)}"


def _attribute(value: str) -> str:
    return xml_attribute(value) if _SPECIAL.search(value) else f'"{value}"'


def _line(line: int) -> str:
    return f' line="{line}"' if line else ""


def _closed(inside: str) -> str:
    return f">{inside}</testcase>" if inside else "/>"


def _inside(detail: Detail) -> str:
    return _run_properties(detail.runs) + _outcome(detail)


def _run_properties(runs: tuple[RunRef, ...]) -> str:
    pairs = [("pathspec", run.pathspec) for run in runs]
    pairs += [("task", words.identity(task)) for run in runs for task in run.tasks]
    inside = "".join(f'<property name="{n}" value={xml_attribute(v)}/>' for n, v in pairs)
    return f"<properties>{inside}</properties>" if inside else ""


def _outcome(detail: Detail) -> str:
    if detail.state in SKIPS:
        return _skipped(detail)
    failed = [a for a in detail.attempts if a.outcome.value != "passed"]
    if detail.state is State.FLAKY:
        return "".join(_retried("flaky", attempt) for attempt in failed)
    first = _first(detail, failed[0] if failed else None)
    return first + "".join(_retried("rerun", attempt) for attempt in failed[1:])


def _skipped(detail: Detail) -> str:
    kind = detail.skip_kind.value if detail.skip_kind else detail.state.name.lower()
    kind = detail.state.name.lower() if detail.state is not State.SKIPPED else kind
    reason = detail.skip_reason or detail.message
    return f"<skipped type={xml_attribute(kind)} message={xml_attribute(text.one_line(reason))}/>"


def _first(detail: Detail, attempt: Attempt | None) -> str:
    element = "failure" if detail.state in FAILURES else "error"
    kind = (attempt.type if attempt else "") or detail.state.name.lower()
    message = attempt.message if attempt else detail.skip_reason
    if detail.state is State.XPASSED:
        message = message or f"passes although {detail.owner or 'the matrix'} expects a failure"
    said = f"type={xml_attribute(kind)} message={xml_attribute(message)}"
    return f"<{element} {said}>{xml_text(attempt.details if attempt else '')}</{element}>"


def _retried(prefix: str, attempt: Attempt) -> str:
    element = prefix + ("Error" if attempt.phase != "call" else "Failure")
    kind = attempt.type or attempt.outcome.value
    said = f"type={xml_attribute(kind)} message={xml_attribute(attempt.message)}"
    trace = f"<stackTrace>{xml_text(attempt.details)}</stackTrace>"
    return f"<{element} {said}>{trace}</{element}>"


def _verdict_suite(report: Report) -> Iterator[str]:
    yield f'<testsuite name="verdict" {_attributes(_verdict_counts(report), 0.0)}>\n'
    for column in report.verdict.columns:
        yield _verdict_case(words.column(column.column), column.judgement, column.reason)
    yield _verdict_case("all columns", report.verdict.judgement, report.verdict.reason)
    yield "</testsuite>\n"


def _verdict_case(name: str, judgement: Judgement, reason: str) -> str:
    said = xml_attribute(text.one_line(reason, 2_000))
    inside = {
        Judgement.SUCCESS: "",
        Judgement.FAILURE: f'<failure type="verdict" message={said}></failure>',
        Judgement.NEUTRAL: f'<skipped type="unavailable" message={said}/>',
    }[judgement]
    case = f'<testcase classname="verdict" name={xml_attribute(name)} time="0.000"'
    return f"{case}{_closed(inside)}\n"
