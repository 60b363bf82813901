"""Which page of GitHub shows the job of a backend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_metaflow_backends.github.client import GitHubError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pytest_metaflow_backends.github.client import GitHub
    from pytest_metaflow_backends.github.event import WorkflowRun


def links(github: GitHub, run: WorkflowRun, backends: Iterable[str]) -> dict[str, str]:
    """Give the page of each backend's job; those without one are left out.

    A job belongs to the backend that its name has as a word: `backends (k8s)` to `k8s`. Of several
    it is the first that failed, else the first.
    """
    try:
        jobs = list(github.pages(f"/actions/runs/{run.id}/attempts/{run.attempt}/jobs", "jobs"))
    except GitHubError:
        return {}  # a token without `actions: read`; the run's own page serves too
    found = {name: _page(name, jobs) for name in backends}
    return {name: page for name, page in found.items() if page}


def _page(backend: str, jobs: Iterable[Mapping[str, object]]) -> str:
    word = re.compile(rf"(?<![\w-]){re.escape(backend)}(?![\w-])")
    named = [job for job in jobs if word.search(str(job.get("name", "")))]
    named.sort(key=lambda job: job.get("conclusion") != "failure")
    return str(named[0].get("html_url") or "") if named else ""
