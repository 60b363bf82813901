"""Folders that hold records and reports: what in them is ours, and may be replaced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

REPORTS = ("index.html", "report.md", "junit.xml", "report.json")
OPENINGS = (b'{"kind": "session"', b'{"kind": "part"')  # of every file of records
VERDICT = b'"verdict"'
HEAD = 4096  # bytes


@dataclass(frozen=True)
class Earlier:
    """The records that were there before a run; they go once the run has left its own."""

    folder: Path
    files: frozenset[Path]

    @classmethod
    def in_(cls, folder: Path) -> Earlier:
        return cls(folder, frozenset(p for p in folder.glob("*.jsonl") if _is_record(p)))

    @property
    def succeeded(self) -> bool:
        """Tell if there are newer ones."""
        return any(path not in self.files for path in self.folder.glob("*.jsonl"))

    def remove(self) -> None:
        for path in self.files:
            path.unlink(missing_ok=True)


def refuse_others(folder: Path) -> None:
    """Raise UsageError if reports would replace files in this folder that are not ours."""
    there = [name for name in REPORTS if (folder / name).exists()]
    if there and VERDICT not in _head(folder / "report.json"):
        raise UsageError(
            f"{folder} holds {', '.join(there)}, which mf-backends has not written; choose another "
            "folder for the reports with --output DIR"
        )


def _is_record(path: Path) -> bool:
    return _head(path).startswith(OPENINGS)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError:
        return b""
