"""A session of requests that knows Nomad: what passes is tried again, what is refused is named."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import requests
from metaflow_extensions.nomad.api.backoff import asked_for, delays, passing
from metaflow_extensions.nomad.api.budget import Budget
from metaflow_extensions.nomad.api.waiting import Waiting
from metaflow_extensions.nomad.errors import (
    DeniedError,
    ExistsError,
    MissingError,
    NomadError,
    RefusedError,
    UnreachableError,
)
from requests.adapters import HTTPAdapter

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaflow_extensions.nomad.connection import Connection

CONNECT, READ = 3.05, 30.0  # seconds
FIRST_CONTACT = 4.0  # seconds until an address that never answered is called unreachable
SHORT = 1.0  # seconds of which nothing is said
FIRST_READ = 8.0  # seconds for the first answer of all
FIRST_ANSWER = 60.0  # seconds until one that takes connections, and never answered, is given up
PASSES = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
EXISTS = "job already exists"


class Session(requests.Session):
    """What every request of this process goes through, those of python-nomad included.

    `patience` is how long, in seconds, a server is waited for that has answered before.
    `waiting` is called once, with the reason, when that begins, and with "" when it ends.
    """

    def __init__(
        self,
        connection: Connection,
        patience: float,
        waiting: Callable[[str], None] = lambda _: None,
        budget: Budget | None = None,
    ) -> None:
        super().__init__()
        self.connection = connection
        self.patience = patience
        self.waiting = Waiting(waiting)
        self.budget = budget or Budget.of(connection.address, patience=patience)
        self.met = False
        self._hurry: float | None = None
        self.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=4))
        self.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=4))

    def hurry(self, seconds: float) -> None:
        """Wait no longer than this for anything from now on."""
        self.patience = self._hurry = self.budget.patience = seconds

    def request(self, method: str, url: str, **kwargs: Any) -> requests.Response:  # type: ignore[override]
        """Send, and send again what may pass; raises NomadError with what helps."""
        # Said for each call: what a session says, REQUESTS_CA_BUNDLE of the environment replaces.
        kwargs["verify"] = self.connection.verify
        kwargs["cert"] = self.connection.certificate
        kwargs.setdefault("timeout", (CONNECT, READ))
        if self._hurry is not None or not self.met:
            longest = self._hurry or FIRST_READ
            kwargs["timeout"] = (min(CONNECT, longest), longest)
        return self._patiently(method, url, kwargs)

    def _patiently(self, method: str, url: str, kwargs: dict[str, Any]) -> requests.Response:
        begun, wait, waits, answered = time.monotonic(), delays(), False, False
        try:
            while True:
                try:
                    answer = self._once(method, url, kwargs)
                except _PassesError as found:
                    problem = found
                else:
                    answered = True
                    return answer
                left = begun + self._longest(problem) - time.monotonic()
                pause = max(problem.after, next(wait))
                if pause > left:
                    raise UnreachableError(f"{self.connection.address}: {problem}")
                if not waits and time.monotonic() - begun > SHORT:
                    waits = True
                    self.waiting.begin(str(problem))
                time.sleep(pause)
        finally:
            if waits:
                self.waiting.end(answered=answered)

    def _longest(self, problem: _PassesError) -> float:
        """Say how long a request is tried: one who was never met may be at another address."""
        if self.met:
            return self.patience
        # Who takes connections is there, and may have much to do: others ask it, too.
        return min(FIRST_ANSWER, self.patience) if problem.there else FIRST_CONTACT

    def _sent(self, method: str, url: str, kwargs: dict[str, Any]) -> requests.Response:
        """Send over a connection that is kept only if this process has one to keep."""
        if self.budget.live:
            return super().request(method, url, **kwargs)
        headers = {**(kwargs.get("headers") or {}), "Connection": "close"}
        return super().request(method, url, **{**kwargs, "headers": headers})

    def _once(self, method: str, url: str, kwargs: dict[str, Any]) -> requests.Response:
        """Send once. Raises _PassesError for what may pass, NomadError for what will not."""
        try:
            with self.budget.turn():
                answer = self._sent(method, url, kwargs)
        except requests.exceptions.SSLError as error:
            if self.met and "VERIFY" not in str(error):
                raise _PassesError(_short(error)) from None  # a balancer without its server
            raise NomadError(_tls(self.connection.address, error)) from None
        except PASSES as error:
            there = isinstance(error, requests.ReadTimeout)
            raise _PassesError(_short(error), there=there) from None
        except requests.RequestException as error:
            raise NomadError(f"{self.connection.address}: {error}") from None
        self.met = True
        if answer.ok:
            self._check_kind(answer)
            return answer
        with suppress(requests.RequestException):
            answer.content  # noqa: B018 - reads it, so that the connection is free again
        text = answer.text.strip()
        if passing(answer.status_code, text):
            after = asked_for(answer.headers.get("Retry-After"))
            raise _PassesError(f"{answer.status_code} {text}", after=after)
        raise refusal(answer.status_code, text)

    def _check_kind(self, answer: requests.Response) -> None:
        """Refuse a page for people, e.g. to sign in, which is what a proxy may answer."""
        if "html" in answer.headers.get("Content-Type", ""):
            answer.close()
            raise RefusedError(
                f"{self.connection.address} answers with a web page, not as Nomad's API does; "
                "set NOMAD_ADDR to the API's own address"
            )


class _PassesError(Exception):
    """What may be over soon.

    `after` is how many seconds the server asks to be left alone; `there` says that somebody took
    the connection.
    """

    def __init__(self, problem: str, *, after: float = 0.0, there: bool = False) -> None:
        super().__init__(problem)
        self.after, self.there = after, there


def refusal(status: int, text: str) -> NomadError:
    """Name what an answer that is no success means."""
    if status == 403:  # noqa: PLR2004
        return DeniedError(
            "the token lacks a right: permission denied; set NOMAD_TOKEN to one whose policy has "
            "submit-job, read-job and read-logs in this namespace"
        )
    if status == 404 or "Unknown allocation" in text:  # noqa: PLR2004
        return MissingError(text or "not found")
    if EXISTS in text:
        return ExistsError(text)
    if "HTTP request to an HTTPS server" in text:
        return RefusedError("the server speaks TLS; set NOMAD_ADDR to https://...")
    return RefusedError(_plain(text))


def _plain(text: str) -> str:
    """Give an answer's text as one line, without the tree that Go draws around it."""
    lines = [line.strip(" *\t") for line in text.splitlines()]
    return "; ".join(line for line in lines if line and "error occurred" not in line) or text


def _tls(address: str, error: Exception) -> str:
    text = str(error)
    if "WRONG_VERSION_NUMBER" in text or "record layer failure" in text:
        return f"{address} does not speak TLS; set NOMAD_ADDR to http://..."
    if "CERTIFICATE_REQUIRED" in text or "certificate required" in text:
        return f"{address} asks for a certificate; set NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY"
    if "VERIFY_FAILED" in text:
        return f"{address} has a certificate nobody here vouches for; set NOMAD_CACERT"
    return f"{address} refused the TLS connection; check NOMAD_CACERT and NOMAD_CLIENT_CERT/KEY"


def _short(error: Exception) -> str:
    """Say what went wrong between here and the server, in a few words."""
    text = str(error)
    known = ("Connection refused", "Name or service not known", "No route to host",
             "Network is unreachable", "timed out", "Connection reset")  # fmt: skip
    return next((words for words in known if words.lower() in text.lower()), type(error).__name__)
