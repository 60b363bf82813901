"""From pytest's reports of one test (several phases, several attempts) to one result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.records import (
    Attempt,
    Cause,
    Drift,
    Outcome,
    Result,
    RunRef,
    SkipKind,
    Snapshot,
    TaskRef,
    build,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pytest

    from pytest_metaflow_backends.redact import Redactor

    Redact = Callable[[str], str]

HEAD, TAIL = 8_000, 24_000  # characters of a traceback with its output that are kept
MARGIN = 64_000  # read beyond what is kept, so that no secret is cut in half before redaction
CALL = "call"  # pytest's phase in which a test's body runs
CRASH = "???"  # pytest-xdist's phase for a test whose worker died
NOT_STARTED = frozenset({SkipKind.UNAVAILABLE.value, SkipKind.DEADLINE.value})


def result_of(reports: Sequence[pytest.TestReport], redact: Redactor) -> Result:
    """Assemble one result; `reports` are all of one node id, in order, at least one."""
    last = reports[-1]
    facts = _facts(reports)
    outcome = _outcome(reports, facts)
    attempts = _attempts(reports, outcome, redact)
    failed = [attempt for attempt in attempts if attempt.outcome is not Outcome.PASSED]
    nodeid = redact.name(last.nodeid)
    file, line = _place(reports)
    return Result(
        id=nodeid,
        key=redact.name(facts.get("key", last.nodeid)),
        outcome=outcome,
        backend=facts.get("backend"),
        variant=facts.get("variant"),
        seconds=round(sum(report.duration for report in reports), 6),
        file=file,
        line=line,
        cause=failed[-1].cause if failed else None,
        attempts=attempts,
        skip_kind=_skip_kind(outcome, facts),
        skip_reason=redact(_skip_reason(reports)),
        runs=tuple(_run(run, redact) for run in facts.get("runs", ())),
        worker=getattr(last, "worker_id", ""),
        owner=facts.get("owner", ""),
    )


def plainly_passed(reports: Sequence[pytest.TestReport]) -> bool:
    """Tell the commonest case: outside the matrix, one attempt, nothing to say."""
    ran = False
    for report in reports:  # asked of every test: a loop costs half of what `all` does
        if report.outcome != "passed" or hasattr(report, "metaflow") or hasattr(report, "wasxfail"):
            return False
        ran = ran or report.when == CALL
    return ran


def came_to_an_end(reports: Sequence[pytest.TestReport]) -> bool:
    """Tell if there is a result: the body ran, or something said why it did not.

    Not with `--setup-only`, nor if the run was interrupted in the body.
    """
    return any(report.when == CALL or report.outcome != "passed" for report in _final(reports))


def tried_again(reports: Sequence[pytest.TestReport]) -> bool:
    """Tell if another attempt will follow (pytest-rerunfailures marks what it repeats)."""
    return any(_outcome_of(report) == "rerun" for report in _final(reports))


def _outcome_of(report: pytest.TestReport) -> str:
    return report.outcome  # pytest-rerunfailures adds a word to pytest's own three


def gathered(result: Result, reports: Sequence[pytest.TestReport]) -> Iterator[Snapshot | Drift]:
    """Yield what the last attempt gathered besides its result: snapshots of runs, and drift."""
    if result.backend is None:
        return
    last = getattr(reports[-1], "metaflow", {})
    for taken in last.get("snapshots", ()):
        yield Snapshot(result.key, result.backend, result.variant, taken["name"], taken["data"])
    for capability in _facts(reports).get("drift", ()):
        yield Drift(result.key, result.backend, capability, result.variant)


def _facts(reports: Sequence[pytest.TestReport]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for report in reports:
        merged |= getattr(report, "metaflow", {})
    return merged


def _final(reports: Sequence[pytest.TestReport]) -> list[pytest.TestReport]:
    """Keep the reports of the last attempt."""
    starts = [i for i, report in enumerate(reports) if report.when == "setup"]
    start = starts[-1] if starts else 0
    while start and _of_a_part(reports[start - 1]):  # rerunfailures tells of them before the rest
        start -= 1
    return list(reports[start:])


def _of_a_part(report: pytest.TestReport) -> bool:
    """Tell if this speaks of one part of a test, as pytest's `subtests` makes them."""
    return report.when == CALL and hasattr(report, "context")


def _of_the_whole(reports: Sequence[pytest.TestReport]) -> list[pytest.TestReport]:
    """Leave out parts that were skipped, unless all were: then the test did nothing."""
    skipped = [r for r in reports if _of_a_part(r) and r.outcome == "skipped"]
    if len(skipped) == sum(map(_of_a_part, reports)):
        return list(reports)
    return [r for r in reports if r not in skipped]


def _outcome(reports: Sequence[pytest.TestReport], facts: Mapping[str, Any]) -> Outcome:
    final = _of_the_whole(_final(reports))
    for report in final:  # a teardown that fails after a skip must not be hidden by it
        if report.when == CRASH:
            return Outcome.CRASHED
        if report.outcome in {"failed", "rerun"}:
            return _failure(report)
    for report in final:
        if hasattr(report, "wasxfail"):
            return Outcome.XFAILED if report.outcome == "skipped" else Outcome.XPASSED
        if report.outcome == "skipped":
            not_run = facts.get("skip_kind") in NOT_STARTED
            return Outcome.NOT_RUN if not_run else Outcome.SKIPPED
    return Outcome.PASSED


def _failure(report: pytest.TestReport) -> Outcome:
    if "[XPASS(strict)]" in str(report.longrepr)[:20]:
        return Outcome.XPASSED
    if _said(report, "cause") == Cause.TIMEOUT.value:
        return Outcome.TIMEOUT
    return Outcome.FAILED if report.when == "call" else Outcome.ERROR


def _attempts(
    reports: Sequence[pytest.TestReport], outcome: Outcome, redact: Redact
) -> tuple[Attempt, ...]:
    attempts: list[Attempt] = []
    number = 0
    for report in reports:
        number += report.when == "setup" or not number
        if report.outcome in {"failed", "rerun"} or hasattr(report, "wasxfail"):
            attempts.append(_attempt(report, number, redact))
    if attempts and outcome is Outcome.PASSED:
        attempts.append(
            Attempt(
                n=number,
                phase="call",
                outcome=outcome,
                seconds=sum(r.duration for r in _final(reports)),
            )
        )
    return tuple(attempts)


def _attempt(report: pytest.TestReport, number: int, redact: Redact) -> Attempt:
    crashed = report.when == CRASH
    outcome = (
        Outcome.CRASHED
        if crashed
        else (Outcome.XFAILED if report.outcome == "skipped" else _failure(report))
    )
    cause = _said(report, "cause") or Cause.TEST.value
    return Attempt(
        n=number,
        phase="call" if crashed else report.when or "call",
        outcome=outcome,
        seconds=round(report.duration, 6),
        type="WorkerCrashed" if crashed else _said(report, "type"),
        message=redact(_said(report, "message")) or _first_line(report, redact),
        fingerprint=_said(report, "fingerprint") or ("crashed" if crashed else ""),
        cause=Cause(cause),
        details=_details(report, redact),
    )


def _said(report: pytest.TestReport, name: str) -> str:
    value = getattr(report, "metaflow", {}).get(name, "")
    return value if isinstance(value, str) else ""


def _first_line(report: pytest.TestReport, redact: Redact) -> str:
    text = redact(shorten(str(report.longrepr or "")))
    return next(iter(text.splitlines()), "")[:500]


def _details(report: pytest.TestReport, redact: Redact) -> str:
    sections = [f"--- {name} ---\n{shorten(text)}" for name, text in report.sections]
    return cut(redact("\n".join([shorten(report.longreprtext), *sections])))


def shorten(text: str) -> str:
    """Bound what redaction has to read, keeping more at both ends than will be kept later."""
    if len(text) <= HEAD + TAIL + 2 * MARGIN:
        return text
    # The ellipses touch the text, so that redaction sees which ends may be halves of a secret.
    return f"{text[: HEAD + MARGIN]}...\n...{text[-(TAIL + MARGIN) :]}"


def cut(text: str, head: int = HEAD, tail: int = TAIL) -> str:
    """Keep the head and the tail of a long text and say how much is left out."""
    if len(text) <= head + tail:
        return text
    return f"{text[:head]}\n[... {len(text) - head - tail} characters cut ...]\n{text[-tail:]}"


def _place(reports: Sequence[pytest.TestReport]) -> tuple[str, int]:
    """Give file and 1-based line: of the failure if it is in the test's file, else of the test."""
    file, line, _ = reports[-1].location
    for report in reports:
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is not None and str(crash.path).endswith(file):
            return file, int(crash.lineno)
    return file, 0 if line is None else line + 1


def _skip_kind(outcome: Outcome, facts: Mapping[str, Any]) -> SkipKind | None:
    if outcome not in {Outcome.SKIPPED, Outcome.NOT_RUN}:
        return None
    return SkipKind(facts.get("skip_kind", SkipKind.USER.value))


def _skip_reason(reports: Sequence[pytest.TestReport]) -> str:
    for report in _of_the_whole(_final(reports)):
        if report.outcome == "skipped":
            reason = getattr(report, "wasxfail", None)
            if reason is None and isinstance(report.longrepr, tuple):
                reason = report.longrepr[2]
            return (reason or "").removeprefix("Skipped: ")
    return ""


def _run(data: Mapping[str, Any], redact: Redact) -> RunRef:
    tasks = tuple(
        build(
            TaskRef,
            {
                **task,
                "stdout": cut(redact(shorten(task["stdout"]))),
                "stderr": cut(redact(shorten(task["stderr"]))),
            },
        )
        for task in data["tasks"]
    )
    return build(RunRef, {**data, "tasks": tasks})
