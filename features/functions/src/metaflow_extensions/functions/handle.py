"""`JsonFunction`: a bound function, as users call it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from metaflow_extensions.functions.backend import Backend
    from metaflow_extensions.functions.loading import Loaded
    from metaflow_extensions.functions.pipeline import FunctionPipeline
    from metaflow_extensions.functions.reference import Reference
    from typing_extensions import Self

UNSAID = object()


class JsonFunction:
    """A function bound to a finished task. It is loaded when it is first called.

    `example` is a record that the function is run with at once, in a process of its own; what it
    gives is noted, and `metaflow function check` compares it anywhere. `requirements` names
    distributions that nothing imports by name, `include` files beside the function's own.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        task: Any,
        *,
        example: Any = UNSAID,
        requirements: Iterable[str] = (),
        include: Iterable[str] = (),
        root: str | None = None,
        backend: str = "process",
        **options: Any,
    ) -> None:
        from metaflow_extensions.functions.backend import check_name
        from metaflow_extensions.functions.binding import Extras, prepare
        from metaflow_extensions.functions.rival import refuse_rival

        refuse_rival()
        check_name(backend)
        prepared = prepare(function, task, Extras(requirements, include, root))
        reference = prepared.reference
        if example is not UNSAID:
            from metaflow_extensions.functions.proving import with_example

            reference = with_example(prepared.loaded(), example)
        prepared.keep(reference)
        self._set_up(prepared.location, backend, options)

    def _set_up(self, location: str, backend: str, options: dict[str, Any]) -> None:
        self._location, self._named, self._options = location, backend, options
        self._lock = threading.Lock()
        self._loaded: Loaded | None = None
        self._backend: Backend | None = None
        self._closed = False

    @classmethod
    def from_json(
        cls, reference: str | Path | JsonFunction, backend: str = "process", **options: Any
    ) -> JsonFunction:
        """Load a reference: its location, or a bundle's; checks every hash of what it names."""
        from metaflow_extensions.functions.backend import check_name
        from metaflow_extensions.functions.rival import refuse_rival

        refuse_rival()
        check_name(backend)
        found = cls.__new__(cls)
        location = reference.reference if isinstance(reference, cls) else str(reference)
        found._set_up(location, backend, options)  # noqa: SLF001 - its own
        found._load()  # noqa: SLF001
        return found

    @property
    def reference(self) -> str:
        """Where the reference is; give it to `function_from_json`, here or elsewhere."""
        return self._location

    @property
    def about(self) -> Reference:
        """What the reference says: task, schemas, code, environment, artifacts."""
        return self._load().reference

    @property
    def __name__(self) -> str:
        return self.about.function.name

    def __call__(self, record: Any, *, timeout: float | None = None) -> Any:
        """Run one record; raises what the function raises. `timeout` in seconds."""
        backend = self._backend or self._start()
        from metaflow_extensions.functions.calling import call

        return call(backend, record, timeout)

    async def call_async(self, record: Any, *, timeout: float | None = None) -> Any:
        """Run one record without blocking the event loop."""
        import asyncio

        return await asyncio.to_thread(self, record, timeout=timeout)

    def map(
        self,
        records: Iterable[Any],
        *,
        batch_size: int | None = None,
        on_error: str = "raise",
        ordered: bool = True,
        progress: bool | Callable[[int], None] = False,
        timeout: float | None = None,
    ) -> list[Any]:
        """Run many records; `on_error` is `raise`, `return` (a RowError instead), or `skip`."""
        from metaflow_extensions.functions.rows import Mapping, run

        how = Mapping(batch_size, on_error, ordered, progress, timeout).check()
        return run(self._backend or self._start(), records, how)

    def export(self, path: str | Path, *, include_artifacts: bool = False) -> str:
        """Copy the reference and what it needs into a folder or `*.zip`; gives its location.

        Without artifacts it reads them where the run has left them.
        """
        from metaflow_extensions.functions.bundle import export

        return export(self._location, str(path), include_artifacts=include_artifacts)

    def router(self) -> Any:
        """Give a FastAPI router that serves the function."""
        from metaflow_extensions.functions.web.router import router

        return router(self)

    def raw(self, payload: bytes, *, timeout: float | None = None) -> bytes | bytearray:
        """Run one record, given and answered as JSON text."""
        backend = self._backend or self._start()
        from metaflow_extensions.functions.calling import raw

        return raw(backend, payload, timeout)

    @property
    def is_open(self) -> bool:
        """True while calls are taken."""
        return not self._closed

    def start(self) -> Self:
        """Load now what is otherwise loaded at the first call."""
        self._start()
        return self

    def close(self) -> None:
        """End the workers; calls afterwards are refused."""
        with self._lock:
            self._closed = True
            backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __or__(self, other: JsonFunction | FunctionPipeline) -> FunctionPipeline:
        from metaflow_extensions.functions.pipeline import FunctionPipeline

        return FunctionPipeline((self,)) | other

    def __reduce__(self) -> Any:
        """Travel as the reference, so that other processes load it for themselves."""
        return _opened, (self._location, self._named, self._options)

    def __repr__(self) -> str:
        return f"JsonFunction({self._location!r}, backend={self._named!r})"

    def _load(self) -> Loaded:
        if self._loaded is None:
            from metaflow_extensions.functions.loading import load

            self._loaded = load(self._location)
        return self._loaded

    def _start(self) -> Backend:
        from metaflow_extensions.functions.backend import start
        from metaflow_extensions.functions.errors import ClosedError

        with self._lock:
            if self._closed:
                raise ClosedError("the function was closed: load it again")
            if self._backend is None:
                self._backend = start(self._named, self._load(), **self._options)
            return self._backend


def function_from_json(
    reference: str | Path | JsonFunction, backend: str = "process", **options: Any
) -> JsonFunction:
    """Load a bound function from its reference.

    `backend` is `process` (workers in the recorded environment; option `workers`), `ray` (actors;
    `workers`, `num_cpus`, `num_gpus`, `memory`, `resources`, `runtime_env`), or `local` (in this
    process). Loading runs the code of the reference: load only what you trust.
    """
    return JsonFunction.from_json(reference, backend, **options)


def _opened(location: str, backend: str, options: dict[str, Any]) -> JsonFunction:
    return function_from_json(location, backend, **options)
