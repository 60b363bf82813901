"""Folders that hold records and reports: what in them is ours, and may be replaced."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPORTS = ("index.html", "report.md", "junit.xml", "report.json")
OPENINGS = (b'{"kind": "session"', b'{"kind": "part"')  # of every file of records
VERDICT = b'"verdict"'
SUFFIX = ".jsonl"
HEAD = 4096  # bytes
LOCK = ".run.lock"
ASIDE = ".earlier"  # where the reports of an earlier run are while another goes on


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

    def remove_newer(self) -> None:
        for path in self.folder.glob("*.jsonl"):
            if path not in self.files and _is_record(path):
                path.unlink()

    def remove(self) -> None:
        for path in self.files:
            path.unlink(missing_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Have a folder for one run alone: two would take each other's records for earlier ones.

    Raises UsageError if another run has it, or if it cannot be written.
    """
    lock = FileLock(folder / LOCK, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise UsageError(
            f"another run writes into {folder}; give one its own with --output DIR"
        ) from None
    except OSError as error:
        raise UsageError(f"{folder}: cannot be written: {error.strerror or error}") from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def set_aside(folder: Path, earlier: Earlier) -> Iterator[None]:
    """Take away what an earlier run reported; it comes back if this one leaves no records.

    Whoever is killed meanwhile leaves no report, rather than one of another run.
    """
    aside = folder / ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for name in _reports(folder):
        if (folder / name).is_file():  # a folder of that name is nobody's report
            (folder / name).replace(aside / name)
    try:
        yield
    finally:
        if not earlier.succeeded:
            for name in _reports(aside):
                (aside / name).replace(folder / name)
        shutil.rmtree(aside, ignore_errors=True)


def _reports(folder: Path) -> list[str]:
    return [name for name in REPORTS if (folder / name).exists()]


def refuse_others(folder: Path) -> None:
    """Raise UsageError if reports would replace files in this folder that are not ours."""
    there = _reports(folder)
    if there and VERDICT not in _head(folder / "report.json"):
        raise UsageError(
            f"{folder} holds {', '.join(there)}, which mf-backends has not written; choose another "
            "folder for the reports with --output DIR"
        )


def refuse_no_records(path: Path) -> None:
    """Raise UsageError if no records can be here; a folder may hold none, which is a verdict."""
    if path.is_dir() or (path.is_file() and (path.suffix == SUFFIX or _is_record(path))):
        return
    what = "is neither a folder nor a file of records" if path.exists() else "is not there"
    raise UsageError(f"{path} {what}; name the folder that --metaflow-records or run wrote")


def _is_record(path: Path) -> bool:
    return _head(path).startswith(OPENINGS)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError:
        return b""
