"""Functions as actors of Ray, on a running cluster or on one of their own.

What an actor needs goes with it through Ray's object store, so nodes share no files with the
caller; they need this distribution, and the Python that the function was bound with.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from metaflow_extensions.functions.capture.archive import unpack, write_whole
from metaflow_extensions.functions.errors import (
    ClosedError,
    EnvironmentMismatchError,
    FunctionError,
    MissingExtraError,
    WorkerDiedError,
)
from metaflow_extensions.functions.failure import Failure
from metaflow_extensions.functions.process.wire import CALL, FAILED, MAP
from metaflow_extensions.functions.process.worker import answer
from metaflow_extensions.functions.settings import LARGEST, cache_folder
from metaflow_extensions.functions.slots import Deadline, Slots

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaflow_extensions.functions.capture.environment import Environment
    from metaflow_extensions.functions.loading import Loaded
    from metaflow_extensions.functions.plan import Plan

AHEAD = 4  # chunks that an actor has at a time: one that runs, others that wait for it
_LOCK = threading.Lock()
_OPEN: set[int] = set()  # backends on a cluster of our own, which ends with the last of them


class Actor:
    """Runs calls in a process of Ray."""

    def __init__(self, plan: Plan, files: Mapping[str, bytes], *pickles: bytes) -> None:
        """Take what came through the object store; `pickles` in the order of the artifacts."""
        self._plan, self._files, self._pickles = plan, files, pickles

    def load(self) -> bytes | None:
        """Lay everything into the cache of this node and load it; gives what that raised."""
        from metaflow_extensions.functions.capture.archive import pack

        folder = cache_folder() / "code" / self._plan.digest
        unpack(pack(self._files), folder)
        artifacts = {}
        for (name, path), pickled in zip(self._plan.artifacts.items(), self._pickles, strict=True):
            artifacts[name] = str(cache_folder() / "artifacts" / Path(path).name)
            write_whole(Path(artifacts[name]), pickled)
        self._pickles = ()
        try:
            plan = replace(self._plan, folder=str(folder), artifacts=artifacts)
            self._engine = plan.assemble()
        except Exception as error:  # noqa: BLE001 - of the user's code, told to the caller
            return orjson.dumps(Failure.of(error).as_dict())
        return None

    def run(self, kind: int, payload: bytes, largest: int) -> tuple[int, bytes]:
        """Run one call, or a chunk of records."""
        answered, said = answer(self._engine, kind, payload, largest)
        return answered, bytes(said)


@dataclass
class Slot:
    """A place for an actor, which may be empty."""

    actor: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class RayBackend:
    """Runs calls in actors; one that dies or takes too long is replaced at the next call."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        workers: int = 1,
        largest: int = LARGEST,
        num_cpus: float = 1,
        num_gpus: float = 0,
        memory: float | None = None,
        resources: Mapping[str, float] | None = None,
        runtime_env: Mapping[str, Any] | None = None,
    ) -> None:
        """Connect to the cluster that RAY_ADDRESS or Ray itself knows, or start one."""
        environment = dict(runtime_env or runtime_env_of(loaded.reference.environment))
        self._ray = _connected(self)
        self.workers, self.largest, self._closed = workers * AHEAD, largest, False
        self._options: dict[str, Any] = {
            "num_cpus": num_cpus,
            "num_gpus": num_gpus,
            "memory": memory,
            "resources": dict(resources or {}),
            "runtime_env": environment,
        }
        self._refuse_what_no_node_has()
        self._parts = self._put(loaded.plan)
        self._all = [Slot() for _ in range(workers)]
        self._slots = {CALL: Slots(self._all), MAP: Slots(self._all * AHEAD)}

    def start(self) -> None:
        """Wait until an actor has loaded the function; raises what loading raised."""
        self._filled(self._all[0])

    def call(self, payload: bytes, timeout: float | None = None) -> bytes:
        return self._ask(CALL, payload, timeout)

    def map(self, payload: bytes, timeout: float | None = None) -> bytes:
        return self._ask(MAP, payload, timeout)

    def close(self) -> None:
        """End all actors, and the cluster if it was started here and nobody else uses it."""
        self._closed = True
        for slot in self._all:
            self._kill(slot)
        _disconnect(self)

    def _put(self, plan: Plan) -> list[Any]:
        """Lay the parts into Ray's object store, once for all actors."""
        files = {name: (Path(plan.folder) / name).read_bytes() for name in plan.places}
        pickles = [self._ray.put(Path(path).read_bytes()) for path in plan.artifacts.values()]
        return [self._ray.put(plan), self._ray.put(files), *pickles]

    def _ask(self, kind: int, payload: bytes, timeout: float | None) -> bytes:
        errors = self._ray.exceptions
        deadline = Deadline(timeout)
        with self._slots[kind].one(deadline) as slot:
            actor = self._filled(slot)
            try:
                asked = actor.run.remote(kind, payload, self.largest)
                answered, said = self._ray.get(asked, timeout=deadline.left)
            except errors.GetTimeoutError:
                self._kill(slot)
                raise deadline.passed() from None
            except errors.RayActorError:
                self._forget(slot, actor)
                raise self._died() from None
        if answered == FAILED:
            raise Failure.read(orjson.loads(said)).exception()
        result: bytes = said
        return result

    def _filled(self, slot: Slot) -> Any:
        with slot.lock:
            if self._closed:
                raise ClosedError("the function was closed: load it again")
            if slot.actor is None:
                made = self._ray.remote(Actor).options(max_restarts=0, **self._options)
                actor = made.remote(*self._parts)
                self._load(actor)
                slot.actor = actor
            return slot.actor

    def _load(self, actor: Any) -> None:
        errors = self._ray.exceptions
        try:
            failed = self._ray.get(actor.load.remote())
        except errors.RuntimeEnvSetupError as error:
            (line, *_) = [one for one in str(error).splitlines() if one.strip()]
            raise EnvironmentMismatchError(f"the environment cannot be made: {line}") from None
        except errors.RayActorError:
            raise WorkerDiedError("the actor ended while it loaded the function") from None
        if failed is not None:
            self._ray.kill(actor)
            raise Failure.read(orjson.loads(failed)).exception()

    def _refuse_what_no_node_has(self) -> None:
        """Raise FunctionError for what would wait for ever."""
        needs = {
            "CPU": self._options["num_cpus"],
            "GPU": self._options["num_gpus"],
            "memory": self._options["memory"] or 0,
            **self._options["resources"],
        }
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        for name, needed in needs.items():
            most = max((node.get(name, 0) for node in nodes), default=0)
            if needed > most:
                _disconnect(self)
                raise FunctionError(
                    f"backend 'ray': {name} {needed:g} is wanted, and no node has over {most:g}"
                )

    def _died(self) -> Exception:
        if self._closed:
            return ClosedError("the function was closed while the call ran")
        return WorkerDiedError("the actor ended during the call; the next call works")

    def _forget(self, slot: Slot, actor: Any) -> None:
        with slot.lock:
            if slot.actor is actor:
                slot.actor = None

    def _kill(self, slot: Slot) -> None:
        actor, slot.actor = slot.actor, None
        if actor is not None:
            self._ray.kill(actor)


def runtime_env_of(environment: Environment) -> dict[str, Any]:
    """Ask Ray for what this interpreter lacks; EnvironmentMismatchError for another Python."""
    import platform

    from metaflow_extensions.functions.capture.environment import installed_version, minor

    if environment.minor != minor(platform.python_version()):
        raise EnvironmentMismatchError(
            f"the function was bound with Python {environment.python}, and Ray's nodes run that of "
            f"their driver, {platform.python_version()}: load it with Python {environment.minor}"
        )
    lacking = [f"{n}=={v}" for n, v in environment.packages.items() if installed_version(n) != v]
    return {"pip": lacking} if lacking else {}


def _connected(backend: object) -> Any:
    """Give Ray, connected; MissingExtraError if it is not installed."""
    try:
        import ray
    except ImportError:
        raise MissingExtraError(
            'backend "ray" needs Ray: pip install "metaflow-open-functions[ray]"'
        ) from None
    with _LOCK:
        if _OPEN or not ray.is_initialized():
            _OPEN.add(id(backend))
        if not ray.is_initialized():
            ray.init(include_dashboard=None, log_to_driver=True, logging_level=logging.WARNING)
    return ray


def _disconnect(backend: object) -> None:
    import ray

    with _LOCK, suppress(KeyError):
        _OPEN.remove(id(backend))
        if not _OPEN:
            ray.shutdown()
