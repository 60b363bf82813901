"""What a step needs of Nomad's API, over python-nomad with our own session.

Blocking queries (`index`, `wait`) answer when something changed. The event stream is not used:
agents of 1.11 begin it with `HTTP/0.0 200 OK`, which clients refuse (hashicorp/nomad#27582).
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.nomad.api.session import CONNECT, READ, Session
from metaflow_extensions.nomad.connection import Connection
from metaflow_extensions.nomad.errors import ExistsError, MissingError
from metaflow_extensions.nomad.logs.frames import frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from metaflow_extensions.nomad.logs.frames import Frame

WAIT = 20.0  # seconds a blocking query is held; the server adds up to a sixteenth
HEARTBEAT = 10.0  # seconds: a stream of logs says something every second


@dataclass(frozen=True)
class Registered:
    """A job that is there; `evaluation` is "" if it was there already."""

    job: str
    evaluation: str


class Client:
    """Speaks to one server, in one namespace and region."""

    def __init__(self, session: Session, namespace: str | None, region: str | None) -> None:
        import nomad

        connection = session.connection
        self.session = session
        self.namespace = namespace or connection.namespace or "default"
        self.region = region or connection.region
        self._nomad = nomad.Nomad(
            address=connection.address,
            namespace=self.namespace,
            region=self.region,
            token=connection.token or None,
            verify=connection.verify,
            session=session,
            timeout=(CONNECT, READ),
        )

    @classmethod
    def here(
        cls,
        patience: float,
        namespace: str | None = None,
        region: str | None = None,
        waiting: Callable[[str], None] = lambda _: None,
    ) -> Client:
        """Open one for the server that this process's environment and settings name."""
        return cls(Session(Connection.here(), patience, waiting), namespace, region)

    def live(self) -> bool:
        """Say whether connections may be kept; if not, each is for one request."""
        return self.session.budget.hold()

    def register(self, job: Mapping[str, Any]) -> Registered:
        """Register a job if there is none of its ID: to ask twice is to ask once.

        A reply that was lost makes the second try find the job there.
        """
        body = {"Job": dict(job), "EnforceIndex": True, "JobModifyIndex": 0}
        try:
            answer = self._nomad.job.register_job(job["ID"], body)
        except ExistsError:
            return Registered(job["ID"], "")
        return Registered(job["ID"], answer.get("EvalID", ""))

    def leader(self) -> str:
        """Name the leader; needs no right."""
        return str(self._get("status/leader").json())

    def job(self, name: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._nomad.job.get_job(name)
        return found

    def jobs(self, prefix: str) -> Sequence[Mapping[str, Any]]:
        """List jobs of all namespaces, with their Meta; only where the token may list-jobs."""
        answer = self._get("jobs", namespace="*", prefix=prefix, meta="true")
        found: Sequence[Mapping[str, Any]] = answer.json()
        return found

    def nodes(self) -> Sequence[Mapping[str, Any]]:
        """List nodes with what they have; needs the right node:read."""
        found: Sequence[Mapping[str, Any]] = self._get("nodes", resources="true").json()
        return found

    def within(self, namespace: str) -> Client:
        """Give the same client for another namespace."""
        return Client(self.session, namespace, self.region)

    def allocations(
        self, job: str, index: int = 0, wait: float = WAIT
    ) -> tuple[int, Sequence[Mapping[str, Any]]]:
        """List a job's allocations, the oldest first, once they are newer than `index`."""
        params: dict[str, Any] = {"index": index, "wait": f"{wait:g}s"} if index else {}
        answer = self._get(f"job/{job}/allocations", timeout=(CONNECT, wait + READ), **params)
        newest = int(answer.headers.get("X-Nomad-Index", 0))
        found = sorted(answer.json(), key=lambda one: one["CreateIndex"])
        return (newest if newest >= index else 0), found

    def evaluations(self, job: str) -> Sequence[Mapping[str, Any]]:
        """List a job's evaluations, the oldest first."""
        found = self._get(f"job/{job}/evaluations").json()
        return sorted(found, key=lambda one: one["CreateIndex"])

    def deregister(self, job: str) -> None:
        """Stop a job; one that is not there is as good as stopped."""
        try:
            self._nomad.job.deregister_job(job)
        except MissingError:
            return

    def follow(self, allocation: str, task: str, stream: str) -> Iterator[Frame]:
        """Yield what a task writes to `stdout` or `stderr` from the first byte kept, without end.

        Raises MissingError while the task has not started, and once its logs are collected.
        """
        answer = self._logs(allocation, task, stream, offset=0, follow=True)
        with closing(answer):
            yield from frames(answer.iter_content(chunk_size=None))

    def rest(self, allocation: str, task: str, stream: str, offset: int) -> Iterator[Frame]:
        """Yield what there is now from a byte on; files that are gone do not count."""
        answer = self._logs(allocation, task, stream, offset=offset, follow=False)
        yield from frames([answer.content])

    def _logs(self, allocation: str, task: str, stream: str, *, offset: int, follow: bool) -> Any:
        params = {
            "task": task,
            "type": stream,
            "follow": str(follow).lower(),
            "origin": "start",
            "offset": offset,
        }
        path = f"client/fs/logs/{allocation}"
        return self._get(path, stream=follow, timeout=(CONNECT, HEARTBEAT), **params)

    def _get(self, path: str, *, stream: bool = False, timeout: Any = None, **params: Any) -> Any:
        connection = self.session.connection
        asked = {"namespace": self.namespace, "region": self.region, **params}
        return self.session.request(
            "GET",
            f"{connection.address}/v1/{path}",
            params={name: value for name, value in asked.items() if value is not None},
            headers={"X-Nomad-Token": connection.token} if connection.token else None,
            stream=stream,
            timeout=timeout or (CONNECT, READ),
        )
