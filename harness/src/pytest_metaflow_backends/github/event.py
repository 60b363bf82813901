"""What happened on GitHub: which commit is meant, what it is compared with, who asked for it.

Only what GitHub itself wrote is read: the runner's variables and the payload of the event. Nothing
comes from records or artifacts, which may have been made by anybody.

Source: "Events that trigger workflows" and "Variables" in GitHub's documentation.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}")
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class WorkflowRun:
    """The run whose results are meant; a re-run has the same id and a higher attempt."""

    id: int
    attempt: int
    url: str


@dataclass(frozen=True)
class Event:
    """What check runs and selection need to know."""

    name: str
    repository: str  # owner/name; check runs belong to it
    head: str  # sha of the commit that is tested
    run: WorkflowRun
    base: str = ""  # sha that a pull request is compared with; "" = everything is needed
    number: int = 0  # of the pull request, 0 = none or not known
    labels: tuple[str, ...] = ()
    fork: bool = False  # the commit comes from elsewhere
    branch: str = ""  # owner:branch that the commit comes from, of a run that has ended
    trigger: str = ""  # the event that started the run that has ended
    conclusion: str = ""  # how that run ended, e.g. success
    workflow: str = ""  # the file of that run's workflow, e.g. .github/workflows/ci.yml
    going: bool = False  # that run has been asked for, and has not ended yet
    api: str = "https://api.github.com"


def inside(environment: Mapping[str, str]) -> bool:
    """Tell if this is a job of GitHub Actions."""
    return environment.get("GITHUB_ACTIONS") == "true"


def read(environment: Mapping[str, str]) -> Event:
    """Read the event of the job this runs in; UsageError if there is none, or it is malformed."""
    if not inside(environment):
        raise UsageError("this is no job of GitHub Actions: GITHUB_ACTIONS is not `true`")
    path = Path(environment.get("GITHUB_EVENT_PATH", ""))
    try:
        payload = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"GITHUB_EVENT_PATH: the event cannot be read: {error}") from error
    if not isinstance(payload, dict):
        raise UsageError("GITHUB_EVENT_PATH: the event is no JSON object")
    return parse(environment, payload)


def parse(environment: Mapping[str, str], payload: Mapping[str, Any]) -> Event:
    """Make sense of a payload; UsageError names the field that is missing or malformed."""
    name = environment.get("GITHUB_EVENT_NAME", "")
    repository = _matching(REPOSITORY, environment.get("GITHUB_REPOSITORY"), "GITHUB_REPOSITORY")
    facts = _READERS.get(name, _other)(environment, payload)
    fields: dict[str, Any] = {"run": _own_run(environment, repository), **facts}
    api = environment.get("GITHUB_API_URL", Event.api)
    return Event(name=name, repository=repository, api=api, **fields)


def _pull_request(_: Mapping[str, str], payload: Mapping[str, Any]) -> dict[str, Any]:
    pull = _object(payload, "pull_request")
    head, base = _object(pull, "head"), _object(pull, "base")
    return {
        # Not GITHUB_SHA: that is a merge which GitHub made up, and nobody looks at its checks.
        "head": _matching(SHA, head.get("sha"), "pull_request.head.sha"),
        "base": _matching(SHA, base.get("sha"), "pull_request.base.sha"),
        "number": _whole(payload.get("number"), "number"),
        "labels": tuple(str(label.get("name", "")) for label in _objects(pull.get("labels"))),
        "fork": _name_of(head.get("repo")) != _name_of(base.get("repo")),
    }


def _merge_group(_: Mapping[str, str], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Read what waits in a merge queue; it lands as it is, so it is tested whole."""
    head = _object(payload, "merge_group").get("head_sha")
    return {"head": _matching(SHA, head, "merge_group.head_sha")}


def _workflow_run(environment: Mapping[str, str], payload: Mapping[str, Any]) -> dict[str, Any]:
    """Read the run that has ended; what its artifacts say of commit and run counts for nothing."""
    run = _object(payload, "workflow_run")
    ours = environment.get("GITHUB_REPOSITORY")
    if (found := _name_of(run.get("repository"))) != ours:
        raise UsageError(f"workflow_run.repository is {found or 'missing'}, and this is {ours}")
    pulls = _objects(run.get("pull_requests"))
    owner = _name_of(run.get("head_repository")).partition("/")[0]
    return {
        "head": _matching(SHA, run.get("head_sha"), "workflow_run.head_sha"),
        "number": _whole(pulls[0].get("number"), "pull_requests") if len(pulls) == 1 else 0,
        "fork": _name_of(run.get("head_repository")) != ours,
        "branch": f"{owner}:{run.get('head_branch') or ''}",
        "trigger": str(run.get("event", "")),
        "conclusion": str(run.get("conclusion", "")),
        "workflow": str(run.get("path", "")).partition("@")[0],
        "going": payload.get("action") in {"requested", "in_progress"},
        "run": WorkflowRun(
            id=_whole(run.get("id"), "workflow_run.id"),
            attempt=_whole(run.get("run_attempt"), "workflow_run.run_attempt"),
            url=str(run.get("html_url", "")),
        ),
    }


def _other(environment: Mapping[str, str], _: Mapping[str, Any]) -> dict[str, Any]:
    """Read a push, a schedule, and whatever else runs on a commit of this repository."""
    return {"head": _matching(SHA, environment.get("GITHUB_SHA"), "GITHUB_SHA")}


_READERS: Mapping[str, Callable[[Mapping[str, str], Mapping[str, Any]], dict[str, Any]]] = {
    "pull_request": _pull_request,
    "pull_request_target": _pull_request,
    "merge_group": _merge_group,
    "workflow_run": _workflow_run,
}


def _own_run(environment: Mapping[str, str], repository: str) -> WorkflowRun:
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    number = _whole(environment.get("GITHUB_RUN_ID"), "GITHUB_RUN_ID")
    attempt = _whole(environment.get("GITHUB_RUN_ATTEMPT", "1"), "GITHUB_RUN_ATTEMPT")
    return WorkflowRun(number, attempt, f"{server}/{repository}/actions/runs/{number}")


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    if not isinstance(value, dict):
        raise UsageError(f"the event has no {name}")
    return value


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _name_of(repository: object) -> str:
    """Name a repository; "" if it was deleted, which then is not this one."""
    return str(repository.get("full_name", "")) if isinstance(repository, dict) else ""


def _matching(pattern: re.Pattern[str], value: object, name: str) -> str:
    if isinstance(value, str) and pattern.fullmatch(value):
        return value
    raise UsageError(f"{name} of the event is not what GitHub writes there: {str(value)[:80]!r}")


def _whole(value: object, name: str) -> int:
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if text.isascii() and text.isdigit() and 0 < int(text[:20]) <= LARGEST and len(text) < 20:  # noqa: PLR2004
        return int(text)
    raise UsageError(f"{name} of the event is not what GitHub writes there: {str(value)[:80]!r}")
