"""What a run has decided about a column, kept in a file so that all its workers decide alike."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from metaflow_backends.state import StateError, write_atomically

from pytest_metaflow_backends.lifecycle.outages import Broken, Unavailable

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_backends.state import Folder

FAILURES_UNTIL_BROKEN = 2


class Answer(str, Enum):
    """Whether the run may use the column."""

    UP = "up"
    UNAVAILABLE = "unavailable"
    BROKEN = "broken"


@dataclass(frozen=True)
class Decision:
    """The one answer of a run about a column, and how often the backend has failed since."""

    answer: Answer
    reason: str = ""
    cure: str = ""
    failures: int = 0

    @classmethod
    def read(cls, path: Path) -> Decision | None:
        """Read it; None if nothing is decided yet. Raises StateError if the file is damaged."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{**data, "answer": Answer(data["answer"])})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StateError(f"{path}: cannot be read: {error}; delete it and run again") from error

    def write(self, path: Path) -> None:
        write_atomically(path, json.dumps(asdict(self)))

    def after_failure(self, reason: str) -> Decision:
        """Count a failure of the backend; the second one breaks the column."""
        failures = self.failures + 1
        if self.answer is not Answer.UP or failures < FAILURES_UNTIL_BROKEN:
            return replace(self, failures=failures)
        text = f"it failed {failures} times in this run"
        return replace(
            self,
            answer=Answer.BROKEN,
            reason=f"{text}, the last time: {reason}" if reason else text,
            failures=failures,
        )

    def raise_if_out(self, column: str) -> None:
        """Raise Unavailable or Broken unless the column may be used."""
        if self.answer is Answer.UNAVAILABLE:
            raise Unavailable(column, self.reason, self.cure)
        if self.answer is Answer.BROKEN:
            raise Broken(column, self.reason, self.cure)


def decision_file(folder: Folder, session: str) -> Path:
    """Name the file that holds a run's decision about the folder's column."""
    return folder.root / f"decision-{session}.json"


def forget_decisions(folder: Folder, keep: frozenset[str] = frozenset()) -> None:
    """Delete the decisions of all runs but those in `keep`."""
    kept = {decision_file(folder, session) for session in keep}
    for path in set(folder.root.glob("decision-*.json")) - kept:
        path.unlink(missing_ok=True)
