"""What the templates print: the facts of a report, counted, grouped and put into words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.report import words
from pytest_metaflow_backends.report.html_text import fragment, moment, plural, quoted, web_address
from pytest_metaflow_backends.report.model import State
from pytest_metaflow_backends.report.text import cut, one_line, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from markupsafe import Markup

    from pytest_metaflow_backends.report.model import (
        Detail,
        Difference,
        Grid,
        Group,
        Report,
    )

SHOWN = 200  # entries of a section; the grid and report.json have all
LABEL = 120  # characters of the name of a column
DEEP = 25  # entries written out under one reason

PHRASES: Mapping[State, str] = {
    State.ABSENT: "not planned here",
    State.TIMEOUT: "timed out",
    State.XPASSED: "passed unexpectedly",
    State.XFAILED: "failed as expected",
    State.NOT_RUN: "not run",
}
JUDGEMENTS = {"success": "Passed", "failure": "Failed", "neutral": "Not judged"}
# Worst first: so bars and counts read from what matters.
ORDER = (
    State.FAILED,
    State.ERROR,
    State.CRASHED,
    State.TIMEOUT,
    State.XPASSED,
    State.MISSING,
    State.NOT_RUN,
    State.FLAKY,
    State.XFAILED,
    State.SKIPPED,
    State.PASSED,
)


@dataclass(frozen=True)
class Segment:
    """One stretch of a bar, in percent."""

    state: State
    count: int
    start: float
    width: float


@dataclass(frozen=True)
class Reason:
    """Tests of one column that did not run for one reason."""

    column: str
    text: str
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class Page:
    """The facts above the sections."""

    when: str
    versions: tuple[str, ...]
    tests: int
    results: int
    columns: tuple[str, ...]
    seconds: float
    counts: tuple[tuple[State, int], ...]
    causes: tuple[str, ...]
    reasons: tuple[Reason, ...]  # why tests did not run
    skips: tuple[Reason, ...]  # why tests were skipped
    red_cells: int


def page(report: Report) -> Page:
    """Count and collect what the head of the page says."""
    counts = totals(report.grid)
    sessions = report.sessions
    return Page(
        when=moment(min(session.started for session in sessions)) if sessions else "",
        versions=_versions(report),
        tests=len(report.grid.keys),
        results=sum(counts.values()),
        columns=tuple(report.grid.columns),
        seconds=sum(column.seconds for column in report.verdict.columns),
        counts=tuple((state, counts[state]) for state in ORDER if counts[state]),
        causes=tuple(sorted({d.cause.value for d in report.grid.details.values() if d.cause})),
        reasons=tuple(_reasons(report.not_run)),
        skips=tuple(_reasons(report.skipped)),
        red_cells=sum(count for state, count in counts.items() if state.red),
    )


def sections(report: Report) -> list[tuple[str, str, int | bool]]:
    """List the sections for the table of contents: id, name, and a count or whether it exists."""
    return [
        ("failures", "Failures", len(report.groups)),
        ("disagree", "Disagreements", len(report.disagreements)),
        ("differences", "Differences", len(report.differences)),
        ("not-run", "Not run", len(report.not_run)),
        ("flaky", "Flaky", len(report.flaky)),
        ("skipped", "Skipped", len(report.skipped)),
        ("slowest", "Slowest", bool(report.slowest)),
        ("drift", "Drift", len(report.drift)),
        ("grid-title", "All tests", len(report.grid.keys)),
        ("sessions", "Sessions", bool(report.sessions or report.events)),
    ]


def totals(grid: Grid) -> Counter[State]:
    """Count the cells of every state, except those that were never planned."""
    return Counter(
        {state: sum(cells.count(state.value) for cells in grid.states.values()) for state in ORDER}
    )


def keys_shown(report: Report) -> Iterator[str]:
    """Yield the keys the sections mention, so that each can point to its row."""
    for group in report.groups:
        for detail in group.details:
            yield detail.key
    few = SHOWN * DEEP
    for detail in (*report.flaky[:SHOWN], *report.not_run[:few], *report.skipped[:few]):
        yield detail.key
    for key, _, _ in report.slowest[:SHOWN]:
        yield key
    for difference in report.differences[:SHOWN]:
        yield difference.row or difference.key


def headline(group: Group, columns: Sequence[str]) -> str:
    """Say where a failure happened: `14 tests, k8s only`."""
    tests = plural(len({detail.key for detail in group.details}), "test")
    names = [label(column) for column in group.columns]
    if len(columns) > 1 and len(names) == 1:
        return f"{tests}, {names[0]} only"
    if len(columns) > 1 and len(names) == len(columns):
        return f"{tests}, every column"
    return f"{tests}, {', '.join(names)}" if names else tests


def bar(counts: Mapping[State, int]) -> list[Segment]:
    """Cut a bar of 100 % into stretches, worst first; the smallest can still be seen."""
    present = [(state, counts[state]) for state in ORDER if counts.get(state)]
    total = sum(count for _, count in present)
    widths = [max(100 * count / total, 1.5) for _, count in present]
    scale = 100 / sum(widths) if widths else 0
    segments, start = [], 0.0
    for (state, count), width in zip(present, widths, strict=True):
        segments.append(Segment(state, count, round(start, 2), round(width * scale, 2)))
        start += width * scale
    return segments


def agreeing(difference: Difference) -> list[tuple[str, list[str]]]:
    """Put columns with the same value together, the most common value first."""
    columns: dict[str, list[str]] = {}
    for column, value in difference.values.items():
        columns.setdefault(value, []).append(label(column))
    return sorted(columns.items(), key=lambda item: -len(item[1]))


def traceback(text: str, limit: int) -> Markup:
    """Escape a traceback and mark the lines that pytest marks: `E` the error, `>` the place."""
    from markupsafe import Markup, escape

    marked = _MARKED.sub(
        lambda line: f'<b class="{"tb-error" if line[1] == "E" else "tb-place"}">{line[0]}</b>',
        str(escape(plain(text, limit))),
    )
    return Markup(marked)  # noqa: S704 - escaped above, only our own tags were added


_MARKED = re.compile(r"^(E|&gt;)(?: .*)?$", re.MULTILINE)


def label(column: str) -> str:
    """Name a column as every part of the page does, so that filters can compare names."""
    return plain(words.column(column), LABEL)


def word(state: State) -> str:
    """Say a state in plain words."""
    return PHRASES.get(state, state.name.lower())


def split_key(key: str) -> tuple[str, str]:
    """Part a key into file and test; the file is empty if it names none."""
    file, colons, name = key.partition("::")
    return (file, name) if colons and name else ("", key)


def _reasons(details: Iterable[Detail]) -> Iterator[Reason]:
    for column, text, members in words.by_reason(details):
        yield Reason(column, text, tuple(members))


def _versions(report: Report) -> tuple[str, ...]:
    named = (
        (name, value)
        for session in report.sessions
        for name, value in (
            ("Python", session.python),
            ("Metaflow", session.metaflow),
            ("", session.platform),
        )
    )
    return tuple(dict.fromkeys(f"{name} {value}".strip() for name, value in named if value))[:8]


FILTERS: Mapping[str, Callable[..., Any]] = {
    "agreeing": agreeing,
    "bar": bar,
    "cut": cut,
    "duration": words.duration,
    "fragment": fragment,
    "headline": headline,
    "label": label,
    "line": one_line,
    "moment": moment,
    "place": words.place,
    "plural": plural,
    "quoted": quoted,
    "split_key": split_key,
    "traceback": traceback,
    "web": web_address,
    "word": word,
}
