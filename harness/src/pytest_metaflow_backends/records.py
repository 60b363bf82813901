"""The records: one JSON object per line, appended and flushed as things happen.

A reader needs neither pytest nor Metaflow. The first key of every line is `kind`. A file without
a `finish` line belongs to a session that was killed. Every process of a session writes a file of
its own: `<session>.jsonl` by the controller, `<session>.<worker>.jsonl` by a pytest-xdist worker
(first line `part`), so that no line is ever written by two.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SCHEMA_VERSION = 1


def column(backend: str, variant: str | None) -> str:
    """Name a column of the matrix by its backend and, if it is one, its variant."""
    return f"{backend}/{variant}" if variant else backend


class Outcome(str, Enum):
    """How one test ended in one column of the matrix."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"  # in set-up or tear-down
    SKIPPED = "skipped"
    XFAILED = "xfailed"  # an expectation of the matrix, not yet expired
    XPASSED = "xpassed"  # an expectation that no longer holds
    CRASHED = "crashed"  # the process died under the test
    TIMEOUT = "timeout"
    NOT_RUN = "not_run"  # planned, but its backend was unavailable or broke


class Cause(str, Enum):
    """Who is to blame for a failed attempt."""

    TEST = "test"
    INFRA = "infra"
    BACKEND = "backend"
    TIMEOUT = "timeout"


class SkipKind(str, Enum):
    """Why a test did not execute although nothing failed."""

    CAPABILITY = "capability"
    UNAVAILABLE = "unavailable"
    USER = "user"
    DEADLINE = "deadline"  # the time limit of the session came first


@dataclass(frozen=True)
class Session:
    """The first line: who ran what, where."""

    id: str
    started: float  # seconds since the epoch
    columns: tuple[str, ...] = ()  # columns of the matrix this session was asked to run
    context: str = "dev"  # dev | ci | nightly: decides which backends are required
    python: str = ""
    metaflow: str = ""
    platform: str = ""
    machine: str = ""  # tells machines apart, without naming them; empty in CI
    extensions: Mapping[str, str] = field(default_factory=dict)  # Metaflow extensions
    plugins: Mapping[str, str] = field(default_factory=dict)  # pytest plugins that matter
    ci: Mapping[str, str] = field(default_factory=dict)  # provider, job, attempt, url
    args: tuple[str, ...] = ()
    v: int = SCHEMA_VERSION


@dataclass(frozen=True)
class Part:
    """The first line of a worker's file."""

    session: str
    worker: str


@dataclass(frozen=True)
class Plan:
    """Tests that are going to run, written before the first one does; may take several lines."""

    tests: tuple[tuple[str, str], ...]  # (node id, key)
    backend: str | None = None
    variant: str | None = None


@dataclass(frozen=True)
class Started:
    """A test began; without a later `Result` it is the one that was running at the end."""

    id: str
    worker: str = ""


@dataclass(frozen=True)
class Attempt:
    """One try of a test that was not simply passed in one go."""

    n: int  # from 1
    phase: str  # setup | call | teardown
    outcome: Outcome
    seconds: float = 0.0
    type: str = ""  # exception class
    message: str = ""  # first lines
    fingerprint: str = ""
    cause: Cause = Cause.TEST
    details: str = ""  # traceback and captured output, cut


@dataclass(frozen=True)
class TaskRef:
    """A Metaflow task a test ran, as a person looks for it."""

    pathspec: str
    attempts: int = 1
    status: str = ""
    native: Mapping[str, str] = field(default_factory=dict)
    stdout: str = ""  # tail
    stderr: str = ""  # tail


@dataclass(frozen=True)
class RunRef:
    """A Metaflow run a test made; tasks are listed for those that failed."""

    pathspec: str
    status: str = ""
    seconds: float = 0.0
    tasks: tuple[TaskRef, ...] = ()


@dataclass(frozen=True)
class Result:
    """How one test ended. `attempts` is empty if it simply passed in one go."""

    id: str  # the node id
    key: str  # the node id without the backend: rows of the grid join on it
    outcome: Outcome
    backend: str | None = None
    variant: str | None = None
    seconds: float = 0.0
    file: str = ""
    line: int = 0  # 1-based; 0 = unknown
    cause: Cause | None = None  # of the last attempt that did not pass
    attempts: tuple[Attempt, ...] = ()
    skip_kind: SkipKind | None = None
    skip_reason: str = ""
    runs: tuple[RunRef, ...] = ()
    worker: str = ""
    owner: str = ""  # of the expectation that made it xfailed or xpassed

    @property
    def column(self) -> str:
        """Name its column, "" for a test without a backend."""
        return column(self.backend, self.variant) if self.backend else ""


@dataclass(frozen=True)
class Snapshot:
    """What a run left behind, in a form that is equal on every backend (see flow/snapshot.py)."""

    key: str
    backend: str
    variant: str | None
    name: str  # tells several runs of one test apart
    data: Mapping[str, Any]

    @property
    def column(self) -> str:
        return column(self.backend, self.variant)


@dataclass(frozen=True)
class BackendEvent:
    """A step in the life of a backend: probing, up, unavailable, failed, down, broken."""

    backend: str
    state: str
    variant: str | None = None
    reason: str = ""
    cure: str = ""
    seconds: float = 0.0
    provider: str = ""
    required: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    logs: str = ""

    @property
    def column(self) -> str:
        return column(self.backend, self.variant)


@dataclass(frozen=True)
class Drift:
    """A test that needs an undeclared capability passed all the same: the table is out of date."""

    key: str
    backend: str
    capability: str
    variant: str | None = None

    @property
    def column(self) -> str:
        return column(self.backend, self.variant)


@dataclass(frozen=True)
class Finish:
    """The last line; a session without it was killed."""

    exitstatus: int
    reason: str = ""  # e.g. deadline
    counts: Mapping[str, int] = field(default_factory=dict)
    ended: float = 0.0


class Redacting(Protocol):
    """Masks the texts of a structure."""

    def leaves(self, data: Any) -> Any: ...  # noqa: ANN401 - whatever a record holds


Record = Session | Part | Plan | Started | Result | Snapshot | BackendEvent | Drift | Finish
R = TypeVar("R")

KINDS: Mapping[str, type] = {
    "session": Session,
    "part": Part,
    "plan": Plan,
    "running": Started,
    "result": Result,
    "snapshot": Snapshot,
    "backend": BackendEvent,
    "drift": Drift,
    "finish": Finish,
}
_NAMES = {cls: name for name, cls in KINDS.items()}


def to_line(record: Record, redact: Redacting | None = None) -> str:
    """Encode one record as one line of ASCII JSON, newline included; empty fields are left out.

    What the matrix itself names (columns, states) is written as it is, and so are the names of
    tests, which are redacted before (`Redactor.name`): rows join on them.
    """
    kept = {name: value for name, value in vars(record).items() if value not in _EMPTY}
    texts = {name: _plain(value) for name, value in kept.items() if name not in _JOINED_ON}
    kept |= texts if redact is None else redact.leaves(texts)
    return json.dumps({"kind": _NAMES[type(record)], **kept}, default=str) + "\n"


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a record holds
    """Give records within a record as mappings."""
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value


_NAMES_OF_TESTS = ("id", "key", "tests")
_NAMED_BY_THE_MATRIX = ("backend", "variant", "columns", "context", "state", "capability")
_JOINED_ON = frozenset((*_NAMES_OF_TESTS, *_NAMED_BY_THE_MATRIX, "session", "worker"))
_EMPTY: tuple[Any, ...] = (None, "", (), {}, [])


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the decoded lines of a record file; a torn last line (kill -9) is passed over.

    Raises ValueError, naming file and line, if any other line is not valid JSON.
    """
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if not raw.endswith(b"\n"):
                return
            try:
                yield json.loads(raw)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: not a record: {error}") from error


def build(cls: type[R], data: Mapping[str, Any]) -> R:
    """Make a flat record of `cls` from decoded JSON; keys it does not know are passed over."""
    names = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    return cls(**{key: value for key, value in data.items() if key in names})
