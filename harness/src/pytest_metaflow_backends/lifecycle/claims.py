"""Which runs use a state folder: two at once would stop each other's backends."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from filelock import FileLock
from metaflow_backends.errors import BackendError
from metaflow_backends.identity import boot_id, is_running
from metaflow_backends.protocol import Process
from metaflow_backends.state import make_folder, write_atomically

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FOLDER = ".runs"
LOCK_TIMEOUT = 30.0  # seconds; it is held for milliseconds


@dataclass(frozen=True)
class Claim:
    """A run that uses the state folder, until it ends or dies."""

    session: str
    owner: Process
    boot: str
    started: float  # seconds since the epoch

    @property
    def alive(self) -> bool:
        return self.boot == boot_id() and is_running(self.owner)

    @property
    def who(self) -> str:
        """Say which process it is and since when."""
        return f"process {self.owner.pid}, started {said(self.started)}"


def claim(state_dir: Path, session: str, owner: Process) -> None:
    """Take the state folder for a run, once dead runs are forgotten.

    Raises UsageError that names the other run if a living one has it, or if the folder cannot be
    written to.
    """
    prepare(state_dir)
    try:
        with FileLock(state_dir / FOLDER / "lock", timeout=LOCK_TIMEOUT, mode=0o600):
            if others := [other for other in _living(state_dir) if other.session != session]:
                raise taken(state_dir, others[0])
            mine = Claim(session=session, owner=owner, boot=boot_id(), started=time.time())
            write_atomically(_file(state_dir, session), json.dumps(asdict(mine)))
    except (OSError, BackendError) as error:
        raise _unusable(state_dir, error) from error


def prepare(state_dir: Path) -> None:
    """Make the state folder, unseen by git; raises UsageError if it cannot be written to."""
    ignore = state_dir / ".gitignore"
    try:
        make_folder(state_dir / FOLDER)
        if not ignore.exists():
            ignore.write_text("# Made by pytest-metaflow-backends: state, never source.\n*\n")
    except (OSError, BackendError) as error:
        raise _unusable(state_dir, error) from error


def release(state_dir: Path, session: str) -> None:
    """Give the state folder back; idempotent."""
    _file(state_dir, session).unlink(missing_ok=True)


def living(state_dir: Path) -> tuple[Claim, ...]:
    """List the runs that use the state folder now."""
    return tuple(claim for claim in map(_read, _files(state_dir)) if claim and claim.alive)


def taken(state_dir: Path, other: Claim) -> UsageError:
    """Say who uses the state folder and what to do."""
    return UsageError(
        f"the state folder {state_dir} is used by another run ({other.who}); wait for it, or give "
        "this run its own with --metaflow-state DIR"
    )


def said(moment: float) -> str:
    """Write a point in time as a person reads it, in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment))


def _living(state_dir: Path) -> Iterable[Claim]:
    """List the living and delete the claims of the others, damaged ones included."""
    for path in _files(state_dir):
        other = _read(path)
        if other is not None and other.alive:
            yield other
        else:
            path.unlink(missing_ok=True)


def _unusable(state_dir: Path, error: Exception) -> UsageError:
    return UsageError(
        f"the state folder {state_dir} cannot be used: {error}; name another one with "
        "--metaflow-state DIR"
    )


def _files(state_dir: Path) -> tuple[Path, ...]:
    return tuple(sorted((state_dir / FOLDER).glob("*.json")))


def _file(state_dir: Path, session: str) -> Path:
    return state_dir / FOLDER / f"{session}.json"


def _read(path: Path) -> Claim | None:
    """Read a claim; a damaged one claims nothing, for it is written in one piece."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Claim(**{**data, "owner": Process(**data["owner"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
