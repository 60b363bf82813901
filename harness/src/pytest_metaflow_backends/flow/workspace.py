"""The folder through which the two sides of a flow's process speak: files only, no pickles."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow.tails import tail_of_file

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """Names of the files; everything is readable while the flow still runs."""

    folder: Path

    @property
    def request(self) -> Path:
        return self.folder / "request.json"

    @property
    def answer(self) -> Path:
        return self.folder / "answer.json"

    @property
    def log(self) -> Path:
        """Give what the flow's process itself printed: nothing, unless something went wrong."""
        return self.folder / "child.log"

    @property
    def run_id(self) -> Path:
        return self.folder / "run_id"

    @property
    def loading(self) -> Path:
        """Mark that the flow's own code is being imported: if the process dies now, it is why."""
        return self.folder / "loading"

    def launcher(self, number: int, stream: str) -> Path:
        """Name the output of the n-th program that was launched (deployers launch several)."""
        return self.folder / f"launcher.{number}.{stream}"

    def launched(self, stream: str) -> list[Path]:
        """List the output files of all launched programs, in the order of their start."""
        found = self.folder.glob(f"launcher.*.{stream}")
        return sorted(found, key=lambda path: int(path.name.split(".")[1]))

    def tail(self, stream: str, lines: int) -> str:
        """Give the last lines of the last launched program."""
        files = self.launched(stream)
        return tail_of_file(files[-1], lines) if files else ""

    def known_run_id(self) -> str | None:
        """Give the id of the run if one was created."""
        return self.run_id.read_text().strip() or None if self.run_id.exists() else None

    def write_answer(self, answer: dict[str, Any]) -> None:
        """Write it whole or not at all."""
        partial = self.answer.with_suffix(".partial")
        partial.write_text(json.dumps(answer))
        partial.replace(self.answer)

    def read_answer(self) -> dict[str, Any] | None:
        """Read the answer; None if the process died before it gave one."""
        if not self.answer.exists():
            return None
        answer: dict[str, Any] = json.loads(self.answer.read_text())
        return answer
