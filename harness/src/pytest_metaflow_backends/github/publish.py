"""Make the check runs of a commit what they should be, whatever is there already.

Writes can get lost on the way back, and a job can be started twice. So nothing is assumed of a
write without a clear answer: what is there is read again, and only what is missing is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.github import retrying
from pytest_metaflow_backends.github.annotation import Annotation, missing
from pytest_metaflow_backends.github.checks import requests
from pytest_metaflow_backends.github.client import GitHub, GitHubError, InvalidError, UncertainError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_metaflow_backends.github.checks import Check, Request


@dataclass(frozen=True)
class Published:
    """A check run that stands as planned."""

    name: str
    id: int
    conclusion: str
    url: str = ""


@dataclass(frozen=True)
class _There:
    """What GitHub has of one check."""

    id: int
    url: str
    said: Mapping[str, Any]  # conclusion and output
    notes: tuple[Annotation, ...] = ()

    def stands(self, check: Check) -> bool:
        """Tell if there is nothing left to write."""
        same = self.said == {"conclusion": check.conclusion, **check.output}
        return same and not missing(check.annotations, self.notes)


def publish(checks: Sequence[Check], head: str, github: GitHub) -> list[Published]:
    """Create or update the checks of the commit `head`, in their order.

    A check that has the same external id is updated, so doing it twice changes nothing. One whose
    annotations are not among the wanted ones is replaced: GitHub cannot take any away. A check that
    GitHub finds invalid keeps none of the others back. Raises GitHubError; doing it again completes
    what is missing.
    """
    known = _known(github, head, {check.external_id for check in checks})
    done: list[Published] = []
    refused: list[str] = []
    for check in checks:
        ended = _ended(check, known.get(check.external_id), head, github)
        if isinstance(ended, Published):
            done.append(ended)
        else:
            refused.append(str(ended))
    if refused:
        raise GitHubError("; ".join(refused))
    return done


def announce(check: Check, head: str, github: GitHub) -> None:
    """Create a check if there is none of its external id; what is there says more."""
    if not _known(github, head, {check.external_id}):
        _publish(check, None, head, github)


def _ended(
    check: Check, known: Mapping[str, Any] | None, head: str, github: GitHub
) -> Published | InvalidError:
    try:
        return _publish(check, known, head, github)
    except InvalidError as error:
        return error


def _known(github: GitHub, head: str, wanted: set[str]) -> dict[str, Mapping[str, Any]]:
    """Find the newest check run of each external id."""
    listed = github.pages(f"/commits/{head}/check-runs", "check_runs", filter="all")
    ours = [run for run in listed if run.get("external_id") in wanted]
    return {str(run["external_id"]): run for run in sorted(ours, key=lambda run: int(run["id"]))}


def _publish(
    check: Check, known: Mapping[str, Any] | None, head: str, github: GitHub, tried: int = 1
) -> Published:
    try:
        return _once(check, _there(check, known, github), head, github)
    except UncertainError as error:
        if tried == retrying.TRIES:
            raise GitHubError(f"{check.name}: {error}") from error
        github.clock.sleep(2.0 ** (tried - 1))
    known = _known(github, head, {check.external_id}).get(check.external_id)
    return _publish(check, known, head, github, tried + 1)


def _once(check: Check, there: _There | None, head: str, github: GitHub) -> Published:
    """Send what is missing; UncertainError if something of it may have been done or not."""
    number, url = (there.id, there.url) if there else (None, "")
    if there and there.stands(check):
        return Published(check.name, there.id, check.conclusion, url)
    for request in requests(check, there.notes if there else ()):
        answer = _send(request, number, head, github)
        number, url = int(answer["id"]), str(answer.get("html_url", ""))
    return Published(check.name, number or 0, check.conclusion, url)


def _there(check: Check, known: Mapping[str, Any] | None, github: GitHub) -> _There | None:
    """Read what a known check has; None if it has to be made, or made anew."""
    if known is None:
        return None
    number, output = int(known["id"]), known.get("output") or {}
    notes: tuple[Annotation, ...] = ()
    if output.get("annotations_count", 0):
        notes = tuple(map(_note, github.pages(f"/check-runs/{number}/annotations")))
    said = {name: output.get(name) for name in check.output}
    said["conclusion"] = known.get("conclusion") or ""
    there = _There(number, str(known.get("html_url", "")), said, notes)
    return None if missing(notes, check.annotations) else there


def _note(data: Mapping[str, Any]) -> Annotation:
    return Annotation(
        path=str(data.get("path")),
        start_line=int(data.get("start_line") or 0),
        end_line=int(data.get("end_line") or 0),
        annotation_level=str(data.get("annotation_level")),
        message=str(data.get("message")),
        title=str(data.get("title") or ""),
    )


def _send(request: Request, number: int | None, head: str, github: GitHub) -> dict[str, Any]:
    if number is None:
        return github.write("POST", "/check-runs", {**request.body, "head_sha": head})
    return github.write("PATCH", f"/check-runs/{number}", request.body)
