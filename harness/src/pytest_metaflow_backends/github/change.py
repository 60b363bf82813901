"""What a run was about, asked of GitHub itself: changed paths, labels, and the matrix it used.

What the run's own artifacts say of that is not believed. A pull request that changes the matrix
does decide what it needs, as one that changes a workflow does; both stand in its diff.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pytest_metaflow_backends.changes import MANY
from pytest_metaflow_backends.github.client import GitHubError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_metaflow_backends.github.client import GitHub
    from pytest_metaflow_backends.github.event import Event


@dataclass(frozen=True)
class Change:
    """Paths and labels; no paths mean that everything is needed."""

    paths: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def of_run(github: GitHub, event: Event) -> Change:
    """Say what changed in the pull request whose run has ended; everything, if there is none.

    A commit may be the head of several pull requests, which GitHub does not tell apart for forks;
    then it needs what any of them needs.
    """
    if event.trigger != "pull_request":
        return Change()
    changes = [_of_pull(github, pull) for pull in _pull_requests(github, event)]
    if not changes or not all(change.paths for change in changes):
        return Change((), tuple(label for change in changes for label in change.labels))
    paths = dict.fromkeys(path for change in changes for path in change.paths)
    return Change(tuple(paths), tuple(label for change in changes for label in change.labels))


def _pull_requests(github: GitHub, event: Event) -> Sequence[Mapping[str, Any]]:
    """Find the pull requests of this commit: open ones, else those that were closed meanwhile."""
    known = github.pages("/pulls", state="all", head=event.branch)
    ours = [pull for pull in known if (pull.get("head") or {}).get("sha") == event.head]
    found = [pull for pull in ours if pull.get("state") != "closed"] or ours
    named = [pull for pull in found if pull.get("number") == event.number]
    return named or found


def _of_pull(github: GitHub, pull: Mapping[str, Any]) -> Change:
    files = list(github.pages(f"/pulls/{int(pull['number'])}/files"))
    labels = tuple(str(label.get("name", "")) for label in pull.get("labels") or ())
    if len(files) >= MANY:  # there may be more
        return Change((), labels)
    names = [file.get(key) for file in files for key in ("filename", "previous_filename")]
    return Change(tuple(dict.fromkeys(str(name) for name in names if name)), labels)


def save(github: GitHub, event: Event, name: str, folder: Path) -> Path | None:
    """Save a file of the tested commit below `folder`; None if that commit has no such file.

    Only what is data may be asked for: nothing of that commit is ever run here.
    """
    if {"", ".", ".."} & set(name.split("/")):
        raise GitHubError(f"{name!r} is no file of a repository")
    try:
        answer = github.read(f"/contents/{quote(name)}", ref=event.head)
    except NotFoundError:
        return None
    content = _decoded(answer, f"{name} of {event.head[:12]}")
    target = folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    return target


def _decoded(answer: object, what: str) -> bytes:
    """Read a file's answer; of one that is larger than 1 MB, GitHub sends all but the content."""
    if not isinstance(answer, dict) or answer.get("encoding") != "base64":
        raise GitHubError(f"{what} is no file of at most 1 MB")
    try:
        return base64.b64decode(answer["content"])
    except (KeyError, TypeError, ValueError) as error:
        raise GitHubError(f"{what} cannot be decoded") from error
