"""The jobs of a flow's unfinished tasks, found again by what stands in their Meta."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from metaflow_extensions.nomad.job.identity import prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metaflow_extensions.nomad.api.client import Client

DEAD = "dead"


@dataclass(frozen=True)
class Job:
    """One unfinished attempt, as `nomad list` shows it."""

    name: str
    namespace: str
    pathspec: str
    attempt: str
    user: str
    status: str  # pending | running
    submitted: datetime

    @classmethod
    def of(cls, stub: Mapping[str, Any]) -> Job:
        meta = stub["Meta"]
        parts = ("flow_name", "run_id", "step_name", "task_id")
        return cls(
            name=stub["ID"],
            namespace=stub.get("Namespace") or "default",
            pathspec="/".join(meta[f"metaflow.{part}"] for part in parts),
            attempt=meta["metaflow.attempt"],
            user=meta.get("metaflow.user", ""),
            status=stub.get("Status", ""),
            submitted=datetime.fromtimestamp(stub.get("SubmitTime", 0) / 1e9, timezone.utc),
        )

    def line(self) -> str:
        when = self.submitted.strftime("%Y-%m-%d %H:%M:%S")
        who = f" of {self.user}" if self.user else ""
        task = f"{self.pathspec} attempt {self.attempt}{who}"
        return f"{task}: {self.status} since {when} UTC ({self.name})"


def unfinished(
    client: Client, flow: str, run: str | None = None, user: str | None = None
) -> Iterator[Job]:
    """Yield a flow's jobs that have not ended; of one run, of one user, where these are given."""
    wished = {"metaflow.flow_name": flow, "metaflow.run_id": run, "metaflow.user": user}
    for stub in client.jobs(prefix(flow, run)):
        meta = stub.get("Meta") or {}
        ours = all(meta.get(name) == value for name, value in wished.items() if value is not None)
        if ours and "metaflow.schema" in meta and stub.get("Status") != DEAD:
            yield Job.of(stub)
