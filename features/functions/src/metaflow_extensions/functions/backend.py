"""What every way to run a function does, and the ways there are."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Protocol

from metaflow_extensions.functions.errors import FunctionError, OutputError
from metaflow_extensions.functions.failure import Failure
from metaflow_extensions.functions.settings import LARGEST

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from metaflow_extensions.functions.loading import Loaded

DEFAULT = "process"
OF_WORKERS = frozenset({"workers", "largest"})
OF_ACTORS = frozenset({"num_cpus", "num_gpus", "memory", "resources", "runtime_env"})
NAMES = ("local", "process", "ray")


class Backend(Protocol):
    """Runs calls; raises what the function raises."""

    @property
    def workers(self) -> int:
        """How many calls run at the same time."""

    @property
    def largest(self) -> int:
        """How many bytes a record, a result or a chunk may have."""

    def call(self, payload: bytes, timeout: float | None = None) -> bytes | bytearray: ...
    def map(self, payload: bytes, timeout: float | None = None) -> bytes | bytearray: ...
    def close(self) -> None: ...


class Startable(Backend, Protocol):
    """Has workers that can be waited for."""

    def start(self) -> None:
        """Wait until the function is loaded; raises what loading raised."""


class LocalBackend:
    """Runs calls in this process, in the thread that makes them; nothing is isolated."""

    def __init__(self, loaded: Loaded, *, largest: int = LARGEST) -> None:
        self.workers, self.largest = 1, largest
        self._engine = loaded.plan.assemble()

    def call(self, payload: bytes, timeout: float | None = None) -> bytes:
        """Run a record; nothing can end a call in this process, so `timeout` is refused."""
        return self._run(self._engine.call, payload, timeout)

    def map(self, payload: bytes, timeout: float | None = None) -> bytes:
        return self._run(self._engine.map, payload, timeout)

    def close(self) -> None:
        """Have nothing to end."""

    def _run(self, way: Any, payload: bytes, timeout: float | None) -> bytes:
        if timeout is not None:
            raise FunctionError("timeout= needs a process to end: use backend='process'")
        try:
            result: bytes = way(payload)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - not Ctrl-C, the caller's
            failed = Failure.of(error, self._engine.private).exception()
            raise failed from failed.__cause__
        if len(result) > self.largest:
            raise OutputError(f"the result has {len(result)} bytes, {self.largest} are allowed")
        return result


def check_name(name: str) -> str:
    """Give the name back; FunctionError if there is no such backend."""
    if name in NAMES:
        return name
    near = get_close_matches(name, NAMES, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(NAMES)}"
    raise FunctionError(f"no backend is called {name!r}: {hint}")


def start(name: str, loaded: Loaded, **options: Any) -> Backend:
    """Start a backend; raises what loading the function raises."""
    if check_name(name) == "local":
        return LocalBackend(loaded, **_known(name, options, {"largest"}))
    _check_workers(options.get("workers", 1))
    if name == "ray":
        return _started(_on_ray(loaded, _known(name, options, {*OF_WORKERS, *OF_ACTORS})))
    from metaflow_extensions.functions.process.pool import ProcessBackend

    return _started(ProcessBackend(loaded, **_known(name, options, OF_WORKERS)))


def _check_workers(workers: Any) -> None:
    """Refuse what is no number of workers: without one every call would wait for ever."""
    if type(workers) is not int or workers < 1:
        raise FunctionError(f"workers={workers!r}: a whole number from 1 on is needed")


def _on_ray(loaded: Loaded, options: dict[str, Any]) -> Startable:
    from metaflow_extensions.functions.ray_backend import RayBackend

    return RayBackend(loaded, **options)


def _started(backend: Startable) -> Backend:
    try:
        backend.start()
    except BaseException:
        backend.close()
        raise
    return backend


def _known(name: str, options: dict[str, Any], known: AbstractSet[str]) -> dict[str, Any]:
    unknown = sorted(set(options) - known)
    if unknown:
        raise FunctionError(
            f"backend {name!r} has no option {unknown[0]!r}: it has {', '.join(sorted(known))}"
        )
    return options
