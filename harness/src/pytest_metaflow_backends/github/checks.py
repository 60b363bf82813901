"""From a verdict to what GitHub is asked to write; pure, so that its limits can be proven.

One check run per backend, with its variants, such as `metaflow-backends / k8s`, and one for
everything: `metaflow-backends`. That one is never neutral, so it is the one to require on pull
requests. Tests without a backend are in it alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.github import limits
from pytest_metaflow_backends.github.annotation import choose, missing
from pytest_metaflow_backends.github.output import output
from pytest_metaflow_backends.report.markdown_blocks import link
from pytest_metaflow_backends.report.model import HOST, Judgement, Report
from pytest_metaflow_backends.report.part import part
from pytest_metaflow_backends.report.text import md_fence, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_metaflow_backends.github.annotation import Annotation
    from pytest_metaflow_backends.github.event import Event

SUMMARY = "metaflow-backends"
MOST = 100  # backends that have a check run of their own; GitHub takes 500 an hour of all
NONE: Mapping[str, str] = MappingProxyType({})
# A judgement as GitHub calls it. `skipped` is never used: for a required check it is a pass.
CONCLUSIONS: Mapping[Judgement, str] = {
    Judgement.SUCCESS: "success",
    Judgement.FAILURE: "failure",
    Judgement.NEUTRAL: "neutral",
}


@dataclass(frozen=True)
class Check:
    """One check run as it should be in the end."""

    name: str
    external_id: str  # the same for the same attempt of the same run, so that it is found again
    conclusion: str  # "" = none yet: it is in progress
    output: Mapping[str, str]  # title, summary, text
    annotations: tuple[Annotation, ...] = ()
    details_url: str = ""


@dataclass(frozen=True)
class Request:
    """One write: the first of a check creates it or finds it again, further ones add to it."""

    check: str  # its name
    body: Mapping[str, Any] = field(default_factory=dict)


def checks(
    report: Report,
    event: Event,
    links: Mapping[str, str] = NONE,
    broken: Mapping[str, str] = NONE,
) -> list[Check]:
    """Say which check runs there should be, the summary last: it is whole when it appears.

    `links` leads from a backend to the page of its job; without one the run's page is linked.
    `broken` says of a backend that its job ended red, and how.
    """
    chosen = choose(report)
    made = []
    for name, columns in islice(backends(report).items(), MOST):
        own = part(report, columns, name, broken.get(name, ""))
        page, notes = links.get(name, ""), chosen.get(name, ())
        made.append(_check(own, f"{SUMMARY} / {name}", event, page, notes))
    whole = _check(report, SUMMARY, event, "", chosen.get(HOST, ()))
    return [*made, whole]


def going(event: Event) -> Check:
    """Say that a run is on its way, so that what an older one found is not taken for its result."""
    said = "The run has begun; its verdict comes when it has ended.\n"
    return _said(event, "", "running", said)


def no_verdict(event: Event, why: str) -> Check:
    """Say that there is no verdict, and why; that is a failure."""
    said = "There is no verdict, so nothing is known of this commit.\n\n"
    said += md_fence(why, "text", 4_000)
    return _said(event, "failure", one_line(f"no verdict: {why}", 200), said)


def _said(event: Event, conclusion: str, title: str, text: str) -> Check:
    output = {"title": title, "summary": text + link(event.run.url, "The run and its logs")}
    return Check(
        name=SUMMARY,
        external_id=external_id(event, SUMMARY),
        conclusion=conclusion,
        output=output,
        details_url=event.run.url,
    )


def backends(report: Report) -> dict[str, list[str]]:
    """Give the columns of each backend, in the order of the grid."""
    found: dict[str, list[str]] = {}
    for column in report.grid.columns:
        if column != HOST:
            found.setdefault(column.partition("/")[0], []).append(column)
    return found


def _check(
    report: Report, name: str, event: Event, page: str, notes: Sequence[Annotation]
) -> Check:
    page = page or event.run.url
    return Check(
        name=name,
        external_id=external_id(event, name),
        conclusion=CONCLUSIONS[report.verdict.judgement],
        output=output(report, page),
        annotations=tuple(notes),
        details_url=page,
    )


def external_id(event: Event, name: str) -> str:
    """Name a check of one attempt of one run."""
    return f"{event.run.id}/{event.run.attempt}/{name}"


def requests(check: Check, there: Sequence[Annotation] = ()) -> Iterator[Request]:
    """Yield the writes that make a check so, given the annotations that it already has.

    GitHub takes 50 annotations at once and appends those of every write, so each is sent once.
    """
    left = missing(check.annotations, there)
    size = limits.ANNOTATIONS_AT_ONCE
    pages = [left[start : start + size] for start in range(0, len(left), size)] or [[]]
    for page in pages:
        yield Request(check.name, _body(check, page))


def _body(check: Check, page: Sequence[Annotation]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "name": check.name,
        "external_id": check.external_id,
        **_state(check.conclusion),
        "output": {**check.output, "annotations": [note.body() for note in page]},
    }
    return {**body, "details_url": check.details_url} if check.details_url else body


def _state(conclusion: str) -> dict[str, str]:
    if not conclusion:
        return {"status": "in_progress"}
    return {"status": "completed", "conclusion": conclusion}


def plan(report: Report, event: Event) -> list[Request]:
    """Give every write for a commit that has no check of ours yet, in their order."""
    return [request for check in checks(report, event) for request in requests(check)]
