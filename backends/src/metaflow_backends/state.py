"""The state file of a column: what runs, who owns it, and how far it has come."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from metaflow_backends.errors import BackendError
from metaflow_backends.identity import boot_id, is_running
from metaflow_backends.protocol import Process, Running

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = 1


class StateError(BackendError):
    """A state file cannot be read or written; the message names it."""


class VersionError(StateError):
    """A state file was written by a release with another idea of it."""


class Phase(str, Enum):
    """How far a start or stop has come. Whoever changes it holds the folder's lock meanwhile.

    So a phase other than `up` without a held lock is a start or stop that was killed half-way.
    """

    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"


@dataclass(frozen=True)
class State:
    """One started backend, as its state file holds it."""

    id: str  # the tag its processes carry, see Ownership
    column: str
    kind: str
    phase: Phase
    home: str  # everything it writes is below
    boot: str  # boot id of the machine: after a reboot nothing of it runs any more
    started: float  # seconds since the epoch
    session: str = ""
    owner: Process | None = None  # None: `mf-backends up` started it, to outlive its starter
    settings: str = ""  # digest of the settings it was started with
    running: Running = field(default_factory=Running)

    @property
    def detached(self) -> bool:
        return self.owner is None

    def age(self, now: float) -> float:
        """Tell the seconds since the start; 0 if the clock was set back behind it."""
        return max(0.0, now - self.started)


def owner_alive(state: State) -> bool:
    """Tell whether somebody still answers for this backend; for a detached one: until a reboot."""
    if state.boot != boot_id():
        return False
    return state.owner is None or is_running(state.owner)


@dataclass(frozen=True)
class Folder:
    """The folder of one column below the state folder: state file, lock, and homes."""

    root: Path
    column: str

    @classmethod
    def of(cls, state_dir: Path, column: str) -> Folder:
        """Give the folder of a column such as `k8s/kind`; nothing is created."""
        return cls(root=state_dir / column.replace("/", "+"), column=column)

    @property
    def file(self) -> Path:
        return self.root / "state.json"

    @contextmanager
    def lock(self, timeout: float) -> Iterator[None]:
        """Hold the column's lock, which the kernel takes back if the holder dies.

        Raises BackendError if somebody else holds it for longer than `timeout` seconds.
        """
        make_folder(self.root)
        held = FileLock(self.root / "lock", mode=0o600)
        try:
            held.acquire(timeout=timeout, poll_interval=0.02)
        except Timeout:
            raise BackendError(
                f"{self.column}: another process has been starting or stopping it for {timeout:g} "
                f"s and holds {held.lock_file}; look for it with `mf-backends status`"
            ) from None
        except OSError as error:
            raise StateError(f"{held.lock_file}: cannot be locked: {error.strerror}") from error
        try:
            yield
        finally:
            held.release()

    def new_home(self) -> Path:
        """Make the home folder of a start; those of earlier starts, kept for their logs, go."""
        for old in self.homes():
            shutil.rmtree(old, ignore_errors=True)
        home = self.root / f"home-{secrets.token_hex(4)}"
        home.mkdir(mode=0o700)
        return home

    def home_of(self, state: State) -> Path:
        """Find the home of a start, also after the state folder was moved."""
        return self.root / Path(state.home).name

    def homes(self) -> tuple[Path, ...]:
        """List the home folders that exist."""
        return tuple(sorted(self.root.glob("home-*")))

    def read(self) -> State | None:
        """Read the state; None if nothing was started. Raises StateError if it is unreadable."""
        try:
            text = self.file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(f"{self.file}: cannot be read: {error}") from error
        return decode(text, self.file)

    def write(self, state: State) -> None:
        """Replace the state file atomically, mode 0600."""
        write_atomically(self.file, encode(state))

    def clear(self) -> None:
        """Forget the state; idempotent."""
        self.file.unlink(missing_ok=True)


def folders(state_dir: Path) -> tuple[Folder, ...]:
    """List the columns that something is known of below the state folder."""
    roots = sorted(path.parent for path in state_dir.glob("[!.]*/lock"))
    return tuple(Folder(root=root, column=root.name.replace("+", "/")) for root in roots)


def make_folder(path: Path) -> None:
    """Create a folder for our eyes only; raises StateError if that is impossible."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"cannot create the state folder {path}: {error.strerror}") from error


def encode(state: State) -> str:
    """Write a state as JSON."""
    return json.dumps({"v": SCHEMA, **asdict(state)}, indent=1, default=str) + "\n"


def decode(text: str, path: Path) -> State:
    """Read a state from JSON; raises StateError that names `path` and says what is wrong."""
    try:
        data = json.loads(text)
        if (version := data.pop("v")) != SCHEMA:
            raise VersionError(
                f"{path}: has version {version!r}, this release reads {SCHEMA}; stop the backend "
                "with the release that started it, or delete the file once nothing of it runs"
            )
        return _state(data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StateError(f"{path}: is no state file ({type(error).__name__}: {error})") from error


def as_stored(running: Running) -> Running:
    """Give what a reader of the state file will see, so that its starter sees nothing else."""
    return _running(json.loads(json.dumps(asdict(running), default=str)))


def _running(data: dict[str, Any]) -> Running:
    processes = tuple(Process(**process) for process in data["processes"])
    return Running(**{**data, "processes": processes})


def _state(data: dict[str, Any]) -> State:
    owner = data["owner"]
    fields = {
        **data,
        "phase": Phase(data["phase"]),
        "owner": Process(**owner) if owner else None,
        "running": _running(data["running"]),
    }
    return State(**fields)


def write_atomically(path: Path, text: str) -> None:
    """Replace a file so that a reader, or a crash at any point, sees the old or the new one whole.

    Raises StateError if the file system refuses (full disk, no permission).
    """
    try:
        _write_atomically(path, text)
    except OSError as error:
        raise StateError(f"{path}: cannot be written: {error.strerror}") from error


def _write_atomically(path: Path, text: str) -> None:
    target, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(target, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    """Make a rename survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
