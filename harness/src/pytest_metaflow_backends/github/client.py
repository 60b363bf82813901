"""The few calls of GitHub's REST API that are needed, at the pace that GitHub asks for."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from pytest_metaflow_backends.errors import ExitCode, HarnessError
from pytest_metaflow_backends.github import retrying
from pytest_metaflow_backends.github.limits import WRITE_INTERVAL
from pytest_metaflow_backends.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    import httpx

    from pytest_metaflow_backends.github.event import Event

TIMEOUT = 30.0  # seconds for one answer
PAGE = 100  # entries; the most that GitHub gives at once
PAGES = 100  # of one list that are read at most
NOT_SENT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
RIGHTS = {
    "/actions": "actions: read",
    "/check-runs": "checks: write",
    "/commits": "checks: write",
    "/contents": "contents: read",
    "/pulls": "pull-requests: read",
}  # what a job has to give its token for a path


class GitHubError(HarnessError):
    """GitHub refused, or could not be reached."""

    exit_code = ExitCode.RED


class NotFoundError(GitHubError):
    """What was asked for is not there, or the token may not see it."""


class ForbiddenError(GitHubError):
    """The token may not do this."""


class InvalidError(GitHubError):
    """What was sent is not what GitHub takes."""


class UncertainError(GitHubError):
    """A write got no clear answer: it may have been done."""


FINAL: Mapping[int, type[GitHubError]] = {
    403: ForbiddenError,
    404: NotFoundError,
    422: InvalidError,
}


class Clock(Protocol):
    """Tells and passes the time; tests have one that does not wait."""

    def time(self) -> float: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float, /) -> None: ...


@dataclass
class GitHub:
    """One repository on GitHub; every call ends with its answer or a GitHubError of one line."""

    http: httpx.Client
    repository: str
    clock: Clock = time
    _last_write: float = float("-inf")

    @classmethod
    @contextmanager
    def connect(cls, event: Event, token: str) -> Iterator[GitHub]:
        """Talk to the API that the event came from, and hang up in the end."""
        import httpx

        headers = {
            "accept": "application/vnd.github+json",
            "authorization": f"Bearer {token}",
            "user-agent": "pytest-metaflow-backends",
            "x-github-api-version": "2022-11-28",
        }
        with httpx.Client(
            base_url=event.api, headers=headers, timeout=TIMEOUT, follow_redirects=True
        ) as http:
            yield cls(http, event.repository)

    def read(self, path: str, **params: str | int) -> Any:  # noqa: ANN401 - what GitHub sends
        """Get one answer below /repos/OWNER/NAME, trying again while that may help."""
        return self._again(lambda tried: self._call("GET", path, tried, params=params))

    def pages(self, path: str, key: str = "", **params: str | int) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list, page after page; `key` names it within the answer."""
        for number in range(1, PAGES + 1):
            answer = self.read(path, per_page=PAGE, page=number, **params)
            entries = answer.get(key) if key and isinstance(answer, dict) else answer
            if not isinstance(entries, list):
                raise GitHubError(f"GET {path}: no list came back")
            yield from entries
            if len(entries) < PAGE:
                return

    def download(self, path: str, target: Path, limit: int) -> None:
        """Save an answer of at most `limit` bytes; GitHubError if there are more."""

        def save(tried: int) -> None:
            where = f"/repos/{self.repository}{path}"
            with _told(f"GET {path}", tried), self.http.stream("GET", where) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(answer, f"GET {path}", tried, self.clock.time())
                _save(answer.iter_bytes(), target, limit, path)

        self._again(save)

    def write(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send one write; what a limit refused is tried again, since then nothing was done.

        Raises UncertainError if it may have been done: the caller has to look.
        """

        def send(tried: int) -> Any:  # noqa: ANN401 - what GitHub sends
            self._pace()
            try:
                return self._call(method, path, tried, body=body)
            except _RefusedError as refusal:
                if refusal.perhaps_done:
                    raise UncertainError(str(refusal)) from refusal
                raise

        return cast("dict[str, Any]", self._again(send))

    def _again(self, call: Callable[[int], Any], tried: int = 1) -> Any:  # noqa: ANN401
        """Call until it is not refused, or waiting cannot help; `tried` counts from 1."""
        try:
            return call(tried)
        except _RefusedError as refusal:
            self._wait(refusal, tried)
        return self._again(call, tried + 1)

    def _pace(self) -> None:
        left = self._last_write + WRITE_INTERVAL - self.clock.monotonic()
        if left > 0:
            self.clock.sleep(left)
        self._last_write = self.clock.monotonic()

    def _wait(self, refusal: _RefusedError, tried: int) -> None:
        if refusal.wait is None:
            raise FINAL.get(refusal.status, GitHubError)(str(refusal)) from refusal
        if tried == retrying.TRIES:
            raise GitHubError(str(refusal)) from refusal
        if refusal.wait > retrying.PATIENCE:
            raise GitHubError(f"{refusal}; asked to wait {refusal.wait:.0f} s") from refusal
        self.clock.sleep(refusal.wait)

    def _call(
        self,
        method: str,
        path: str,
        tried: int,
        *,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - what GitHub sends
        where = f"/repos/{self.repository}{path}"
        with _told(f"{method} {path}", tried):
            answer = self.http.request(method, where, params=params, json=body)
        if answer.is_success:
            return _decoded(answer, f"{method} {path}")
        raise _refusal(answer, f"{method} {path}", tried, self.clock.time())


class _RefusedError(Exception):
    """One try came to nothing."""

    def __init__(
        self, said: str, wait: float | None, *, perhaps_done: bool, status: int = 0
    ) -> None:
        super().__init__(said)
        self.status = status  # of HTTP, 0 = no answer came
        self.wait = wait  # seconds before another try; None = it would end the same
        self.perhaps_done = perhaps_done


@contextmanager
def _told(call: str, tried: int) -> Iterator[None]:
    """Say of a broken connection which call it broke, and whether that may have been done."""
    import httpx

    try:
        yield
    except httpx.RequestError as error:
        kind = type(error).__name__
        said = f"{call}: {kind} {error}".rstrip()
        done = kind not in NOT_SENT
        raise _RefusedError(said, 2.0 ** (tried - 1), perhaps_done=done) from error


def _save(chunks: Iterable[bytes], target: Path, limit: int, path: str) -> None:
    left = limit
    with target.open("wb") as stream:
        for chunk in chunks:
            left -= len(chunk)
            if left < 0:
                raise GitHubError(f"GET {path}: more than {limit} bytes")
            stream.write(chunk)


def _refusal(answer: httpx.Response, call: str, tried: int, now: float) -> _RefusedError:
    status, headers = answer.status_code, dict(answer.headers)
    wait = retrying.wait(status, headers, answer.text, tried, now)
    why = _lack(status, call) if wait is None else ""
    said = f"{call}: {status} {one_line(answer.text, 200)}" + (f" ({why})" if why else "")
    return _RefusedError(said, wait, perhaps_done=status in retrying.SERVER_ERRORS, status=status)


def _lack(status: int, call: str) -> str:
    """Say what the token lacks, as far as the status tells."""
    if status == 401:  # noqa: PLR2004 - of HTTP
        return "the token is not valid"
    if status == retrying.FORBIDDEN:
        path = call.partition(" ")[2]
        needed = next((right for part, right in RIGHTS.items() if path.startswith(part)), "")
        return f"the token may not do this; its job needs `permissions: {needed}`"
    return "not there, or the token may not see it" if status == 404 else ""  # noqa: PLR2004


def _decoded(answer: httpx.Response, call: str) -> Any:  # noqa: ANN401 - what GitHub sends
    try:
        return answer.json()
    except ValueError as error:
        raise _RefusedError(f"{call}: the answer is no JSON", 1.0, perhaps_done=True) from error
