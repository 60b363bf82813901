"""The contract between a backend and whatever drives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """What the matrix says about one column (a backend or one of its variants)."""

    name: str
    variant: str | None = None
    provider: str | None = None
    start_timeout: float = 300.0  # seconds
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def column(self) -> str:
        """Name the column of the grid: `k8s` or `k8s/kind`."""
        return f"{self.name}/{self.variant}" if self.variant else self.name


@dataclass(frozen=True)
class Probe:
    """Whether the backend could be started here, found without starting anything."""

    available: bool
    reason: str = ""  # why not, one line
    cure: str = ""  # the command or step that changes it, one line

    @classmethod
    def yes(cls) -> Probe:
        return cls(available=True)

    @classmethod
    def no(cls, reason: str, cure: str = "") -> Probe:
        return cls(available=False, reason=reason, cure=cure)


@dataclass(frozen=True)
class Process:
    """A process that belongs to a backend; the creation time tells a recycled pid apart."""

    pid: int
    created: float  # seconds since the epoch, as psutil gives it
    # Clock ticks from boot to its start: unlike `created` it stays the same when the clock is set.
    ticks: int | None = None


@dataclass(frozen=True)
class Running:
    """A backend that is up: everything needed to use it, to find it again and to stop it.

    `environment` is laid over the caller's environment; a value of None removes the variable.
    """

    environment: Mapping[str, str | None] = field(default_factory=dict)
    processes: Sequence[Process] = ()
    endpoints: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    provider: str = ""
    logs: str = ""  # a folder
    # The backend's own, JSON. Known to others: `clears` (prefixes of variables that flows must not
    # see), `max_workers`, `programs` (tools of `toolchain` that a shell should find) and
    # `shortest_timeout` (seconds of @timeout that Metaflow takes there).
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Health:
    """Whether a started backend answers now."""

    alive: bool
    reason: str = ""


@dataclass(frozen=True)
class Needs:
    """What has to be on this machine before a column can be started."""

    packages: tuple[str, ...] = ()  # of Debian
    tools: tuple[str, ...] = ()  # of `metaflow_backends.toolchain`
    images: tuple[str, ...] = ()  # of `metaflow_backends.images`


@dataclass(frozen=True)
class LogFile:
    """One log of a backend: a name for people and the file that holds it."""

    name: str
    path: Path


@runtime_checkable
class Backend(Protocol):
    """One way to run Metaflow steps. Registered in the entry-point group `metaflow_backends`.

    `start` may take long and raises `BackendError` with the last lines of the log if the backend
    does not come up. `stop` is idempotent, also works from another process than the one that
    started it, and leaves nothing behind, even if `start` was killed half-way.
    """

    kind: str
    capabilities: frozenset[str]

    def probe(self, settings: Settings) -> Probe: ...

    def start(self, settings: Settings, home: Path) -> Running:
        """Bring it up; everything it writes goes below `home`."""
        ...

    def stop(self, running: Running, home: Path) -> None: ...

    def health(self, running: Running) -> Health: ...

    def logs(self, running: Running, native: Mapping[str, str]) -> Sequence[LogFile]:
        """Name the logs that help with the task that has this native identity (may be empty)."""
        ...

    def native(self, metadata: Mapping[str, str]) -> Mapping[str, str]:
        """Pick the native identity (pod, allocation, container) out of a task's metadata."""
        ...


@runtime_checkable
class Checks(Protocol):
    """A backend that can tell wrong settings before anything is probed or started."""

    def check(self, settings: Settings) -> None:
        """Raise OptionError for an option or provider that it does not know or cannot use."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A backend that needs things which take long to get: packages, built tools, images.

    Its `start` gets what is missing, but for packages, by itself; who knows `needs` before can
    show progress, install packages, and say in `doctor` what is there.
    """

    def needs(self, settings: Settings) -> Needs: ...


@runtime_checkable
class Shares(Protocol):
    """A backend that is another way to use what a second one has started, e.g. Argo on a cluster.

    Its column says `shares: NAME` in the matrix: then that column is started and stopped, and this
    backend's `start` and `stop` are never called.
    """

    def attach(self, settings: Settings, host: Running) -> Running:
        """Say what flows need to run this way on what `host` describes; starts nothing."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A backend that knows more of a run than Metaflow does if no task came to say anything."""

    def explain(self, running: Running, run_id: str) -> str:
        """Say why a run failed, in the backend's words; "" if it does not know."""
        ...
