"""The jobs of a workflow run: which page shows the one of a backend, and which of them broke."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_metaflow_backends.github.client import ForbiddenError, NotFoundError
from pytest_metaflow_backends.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from pytest_metaflow_backends.github.client import GitHub
    from pytest_metaflow_backends.github.event import Event, WorkflowRun

    Job = Mapping[str, Any]

BROKEN = frozenset({"failure", "cancelled", "timed_out", "startup_failure", "action_required"})


def jobs(github: GitHub, run: WorkflowRun) -> list[Job]:
    """List the jobs of one attempt; none if the token has no `actions: read`."""
    try:
        return list(github.pages(f"/actions/runs/{run.id}/attempts/{run.attempt}/jobs", "jobs"))
    except (ForbiddenError, NotFoundError):
        return []


def as_it_is(github: GitHub, event: Event) -> Event:
    """Give the event of a run that has begun as it is now: news of a beginning may come late."""
    path = f"/actions/runs/{event.run.id}/attempts/{event.run.attempt}"
    try:
        run = github.read(path)
    except (ForbiddenError, NotFoundError):
        return event
    if run.get("status") != "completed":
        return event
    return replace(event, going=False, conclusion=str(run.get("conclusion") or ""))


def links(jobs: Sequence[Job], backends: Iterable[str]) -> dict[str, str]:
    """Give the page of each backend's job; those without one are left out.

    A job belongs to the backend that its name has as a word: `backends (k8s)` to `k8s`. Of several
    it is the first that failed, else the first.
    """
    found = {name: _page(name, jobs) for name in backends}
    return {name: page for name, page in found.items() if page}


def red(jobs: Iterable[Job], conclusion: str) -> list[Job]:
    """Choose the jobs that ended red; none if the run did not, as `continue-on-error` lets it."""
    if conclusion == "success":
        return []
    return [job for job in jobs if job.get("conclusion") in BROKEN]


def broken(red: Iterable[Job], event: Event) -> list[str]:
    """Say how jobs broke, or the run if none of its did: some result has to explain it."""
    said = [_ended(job) for job in red]
    if said or not event.trigger or event.conclusion == "success":  # no trigger: it is this run
        return said
    return [f"the run ended: {one_line(event.conclusion, 100) or 'nobody knows how'}"]


def broken_of(red: Sequence[Job], backends: Iterable[str]) -> dict[str, str]:
    """Give how the job of each backend broke; those without a red job are left out."""
    found = {name: _named(name, red) for name in backends}
    return {name: _ended(named[0]) for name, named in found.items() if named}


def _ended(job: Job) -> str:
    return f"job {one_line(str(job.get('name')), 100)} ended: {job['conclusion']}"


def _page(backend: str, jobs: Iterable[Job]) -> str:
    named = sorted(_named(backend, jobs), key=lambda job: job.get("conclusion") != "failure")
    return str(named[0].get("html_url") or "") if named else ""


def _named(backend: str, jobs: Iterable[Job]) -> list[Job]:
    word = re.compile(rf"(?<![\w-]){re.escape(backend)}(?![\w-])")
    return [job for job in jobs if word.search(str(job.get("name", "")))]
