"""A thin client of Nomad's HTTP API: one address, one token, one connection at a time.

Source: https://developer.hashicorp.com/nomad/api-docs (1.11).
"""

from __future__ import annotations

import json
import time
from base64 import b64decode
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from metaflow_backends.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import requests

ENDED = frozenset({"complete", "failed", "lost"})  # ClientStatus that does not change any more


class NomadError(BackendError):
    """Nomad refused a request, or did not answer it (status 0)."""

    def __init__(self, status: int, text: str, where: str) -> None:
        super().__init__(f"{where}: {status or 'no answer'}: {text}")
        self.status = status
        self.text = text


@dataclass(frozen=True)
class Api:
    """The HTTP API of one agent."""

    address: str
    token: str = ""
    ca: str = ""  # file; empty for plain HTTP
    certificate: tuple[str, str] | None = None  # files: certificate and key
    timeout: float = 10.0  # seconds

    @classmethod
    def of(cls, environment: Mapping[str, str | None]) -> Api:
        """Read the variables that the `nomad` command reads, too."""
        names = ("NOMAD_CLIENT_CERT", "NOMAD_CLIENT_KEY")
        certificate, key = (environment.get(name) or "" for name in names)
        return cls(
            address=environment.get("NOMAD_ADDR") or "http://127.0.0.1:4646",
            token=environment.get("NOMAD_TOKEN") or "",
            ca=environment.get("NOMAD_CACERT") or "",
            certificate=(certificate, key) if certificate else None,
        )

    def get(self, path: str, **query: Any) -> Any:  # noqa: ANN401 - any JSON
        return self.ask("GET", path, query=query).json()

    def put(self, path: str, body: Any = None, **query: Any) -> Any:  # noqa: ANN401 - any JSON
        answer = self.ask("PUT", path, body, query=query)
        return answer.json() if answer.content else None

    def delete(self, path: str, **query: Any) -> Any:  # noqa: ANN401 - any JSON
        answer = self.ask("DELETE", path, query=query)
        return answer.json() if answer.content else None

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - any JSON
        query: Mapping[str, Any] | None = None,
        *,
        stream: bool = False,
    ) -> requests.Response:
        """Send one request; raises NomadError with Nomad's own words unless it is accepted.

        `verify` goes with each request: REQUESTS_CA_BUNDLE would win over the session's.
        """
        import requests

        url = self.address + (path if path.startswith("/.well-known/") else f"/v1{path}")
        try:
            answer = self._session.request(
                method,
                url,
                params=query,
                data=None if body is None else json.dumps(body),
                timeout=self.timeout,
                verify=self.ca or True,
                stream=stream,
            )
        except requests.RequestException as error:
            raise NomadError(0, str(error), f"{method} {url}") from error
        if not answer.ok:
            text = answer.text.strip()
            raise NomadError(answer.status_code, text, f"{method} {url}")
        return answer

    @cached_property
    def _session(self) -> requests.Session:
        import requests

        session = requests.Session()
        session.trust_env = False  # no proxy and no .netrc between us and our own agent
        session.cert = self.certificate
        if self.token:
            session.headers["X-Nomad-Token"] = self.token
        return session

    def register(self, job: Mapping[str, Any]) -> str:
        """Register a job unless its ID is taken, and give the evaluation's ID.

        Safe to send again after a lost answer: then it raises "job already exists".
        """
        body = {"Job": job, "EnforceIndex": True, "JobModifyIndex": 0}
        return str(self.put("/jobs", body)["EvalID"])

    def stop(self, job: str, *, purge: bool = False) -> None:
        self.delete(f"/job/{job}", purge=str(purge).lower())

    def allocations(self, job: str) -> list[dict[str, Any]]:
        """List a job's allocations, the oldest first."""
        found = self.get(f"/job/{job}/allocations")
        return sorted(found, key=lambda one: int(one["CreateIndex"]))

    def allocation(
        self, job: str, until: Callable[[dict[str, Any]], bool], seconds: float = 60.0
    ) -> dict[str, Any]:
        """Wait until a job's newest allocation is as wanted; raises NomadError if it never is."""
        deadline = time.monotonic() + seconds
        found: list[dict[str, Any]] = []
        while time.monotonic() < deadline:
            found = self.allocations(job)
            if found and until(found[-1]):
                return found[-1]
            time.sleep(0.1)
        raise NomadError(0, f"not as wanted after {seconds:g} s: {json.dumps(found)}", f"job {job}")

    def ended(self, job: str, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until a job's newest allocation has ended."""
        return self.allocation(job, lambda one: one["ClientStatus"] in ENDED, seconds)

    def log(self, allocation: str, task: str, stream: str) -> bytes:
        """Read what a task has written so far to `stdout` or `stderr`.

        Read in frames: with `plain=true` Nomad writes its own errors between the data.
        """
        query = {"task": task, "type": stream, "follow": "false", "origin": "start"}
        answer = self.ask("GET", f"/client/fs/logs/{allocation}", query=query)
        return b"".join(b64decode(frame.get("Data") or "") for frame in frames(answer.text))


def frames(text: str) -> Iterator[dict[str, Any]]:
    """Split the concatenated JSON objects of a framed log; a heartbeat is an empty one."""
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        frame, position = decoder.raw_decode(text, position)
        yield frame
        while position < len(text) and text[position].isspace():
            position += 1
