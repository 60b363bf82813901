"""The name of one attempt: the same job for whoever asks again, another for every attempt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256

LONGEST = 128  # characters: Nomad allows more, lists and file names do not like it
SCHEMA = "1"


@dataclass(frozen=True)
class Attempt:
    """One attempt of one task of one run, in one datastore."""

    flow: str
    run: str
    step: str
    task: str
    number: int
    datastore: str  # root, since two of them count runs on their own
    user: str = ""

    @property
    def pathspec(self) -> str:
        return f"{self.flow}/{self.run}/{self.step}/{self.task}"

    @property
    def job(self) -> str:
        """Name the job, e.g. `mf-Train-1764-start-1-0-5f2c9e01`.

        Only letters, digits, `-` and `_`: a job with a space is refused, and one with a dot has no
        path among Nomad's Variables. The digest keeps apart what was shortened or replaced.
        """
        whole = f"{self.datastore}\0{self.pathspec}\0{self.number}"
        digest = sha256(whole.encode()).hexdigest()[:8]
        words = (self.flow, self.run, self.step, self.task, str(self.number))
        return f"{_plain(*words)[: LONGEST - len(digest) - 1]}-{digest}"

    def meta(self) -> dict[str, str]:
        """Give what finds the job again, and says whose it is."""
        return {
            "metaflow.flow_name": self.flow,
            "metaflow.run_id": self.run,
            "metaflow.step_name": self.step,
            "metaflow.task_id": self.task,
            "metaflow.attempt": str(self.number),
            "metaflow.user": self.user,
            "metaflow.schema": SCHEMA,
        }


def prefix(flow: str, run: str | None = None) -> str:
    """Give what the names of a flow's, or a run's, jobs begin with; those of others may too."""
    return _plain(flow, run or "")[: LONGEST // 2]


def _plain(*words: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", "-".join(("mf", *words)))
