"""Which failures stand beside the code of a pull request, and what they say there.

A reader sees few of them, so every way to fail comes once before any comes twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.github import limits
from pytest_metaflow_backends.report import words
from pytest_metaflow_backends.report.fit import cut_utf8
from pytest_metaflow_backends.report.text import one_line, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_metaflow_backends.report.model import Detail, Group, Report

MOST = 300  # of one report; each 50 of one check cost a write
SAID = 5 * 1024  # bytes of the failure's own message; how to reproduce it follows
SHOWN = 8_000  # characters of a message, a traceback, and a tail
COMMAND = 2_500  # characters
NOWHERE = "matrix.yaml"  # where a failure is shown that names no file of the repository


@dataclass(frozen=True)
class Annotation:
    """A note at a line of the repository, as GitHub's API names its fields."""

    path: str
    start_line: int
    end_line: int
    annotation_level: str  # failure | warning | notice
    message: str
    title: str
    raw_details: str = ""

    def body(self) -> dict[str, Any]:
        """Give the JSON object that is sent."""
        return {name: value for name, value in asdict(self).items() if value != ""}

    @property
    def identity(self) -> tuple[str, int, str, str]:
        """Name it by what GitHub gives back unchanged; white space at the ends is not."""
        return self.path, self.start_line, self.annotation_level, self.title.strip()


def choose(report: Report) -> dict[str, list[Annotation]]:
    """Give the annotations of each backend, the most frequent failures first.

    First one for each fingerprint, then one for each further column that has it, then the other
    failures, then flaky tests as warnings; `MOST` in all. Key is the backend's name, "" for tests
    without one.
    """
    chosen: dict[str, list[Annotation]] = {}
    for note in islice(_notes(report), MOST):
        chosen.setdefault(note.backend, []).append(note.annotation(report))
    return chosen


def missing(wanted: Sequence[Annotation], there: Iterable[Annotation]) -> list[Annotation]:
    """Give those that are not there yet, in their order; equal ones count."""
    have = Counter(note.identity for note in there)
    left = []
    for note in wanted:
        if have[note.identity]:
            have[note.identity] -= 1
        else:
            left.append(note)
    return left


@dataclass(frozen=True)
class _Note:
    """A cell that may get an annotation."""

    detail: Detail
    level: str
    group: Group | None = None

    @property
    def backend(self) -> str:
        return self.detail.column.partition("/")[0]

    def annotation(self, report: Report) -> Annotation:
        detail = self.detail
        line = max(detail.line, 1)
        title = f"{words.column(detail.column)}: {words.test_of(detail.key)}"
        return Annotation(
            path=_path(detail),
            start_line=line,
            end_line=line,
            annotation_level=self.level,
            message=cut_utf8(_message(report, detail, self.group), limits.MESSAGE),
            title=one_line(title, limits.ANNOTATION_TITLE),
            raw_details=cut_utf8(_details(detail), limits.RAW_DETAILS),
        )


def _notes(report: Report) -> Iterator[_Note]:
    """Yield every failure once: fingerprints, then their columns, then all others; then flaky."""
    first = {id(group): _one_per_column(group) for group in report.groups}
    for group in report.groups:
        yield _Note(group.details[0], "failure", group)
    for group in report.groups:
        yield from (_Note(detail, "failure", group) for detail in first[id(group)][1:])
    for group in report.groups:
        seen = {id(detail) for detail in first[id(group)]}
        rest = (detail for detail in group.details if id(detail) not in seen)
        yield from (_Note(detail, "failure", group) for detail in rest)
    yield from (_Note(detail, "warning") for detail in report.flaky)


def _one_per_column(group: Group) -> list[Detail]:
    first: dict[str, Detail] = {}
    for detail in group.details:
        first.setdefault(detail.column, detail)
    return list(first.values())


def _path(detail: Detail) -> str:
    """Name the file as git does; a name that cannot be one stands for no file."""
    file = detail.file or words.file_of(detail.key)
    sound = file.isprintable() and "\\" not in file and not {"", ".", ".."} & set(file.split("/"))
    return file if sound and len(file.encode()) < limits.ANNOTATION_TITLE else NOWHERE


def _message(report: Report, detail: Detail, group: Group | None) -> str:
    said = cut_utf8(plain(detail.message, SHOWN).strip(), SAID) or detail.state.name.lower()
    lines = [said, ""]
    if group and len(group.details) > 1:
        lines.append(f"In the same way: {group.headline}")
    failed = islice(words.failed_tasks(detail), words.TASKS)
    lines += [f"Task: {words.identity(task)}" for task in failed]
    return "\n".join([*lines, f"Reproduce: {plain(report.reproduce(detail), COMMAND)}"])


def _details(detail: Detail) -> str:
    """Give the traceback and what the failed Metaflow tasks wrote last."""
    last = words.last_failure(detail)
    parts = [plain(last.details, SHOWN)] if last and last.details.strip() else []
    for task, name, tail in words.tails(detail):
        parts.append(f"--- {name} of {task.pathspec}\n{plain(tail, SHOWN)}")
    return "\n\n".join(parts)
