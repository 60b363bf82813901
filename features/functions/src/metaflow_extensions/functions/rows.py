"""Many records at once: in chunks, over all workers, with a say in what a bad record does."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sized
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
from metaflow_extensions.functions.codec import NoJsonError, encode
from metaflow_extensions.functions.errors import (
    CallTimeoutError,
    FunctionError,
    InputError,
    OutputError,
    WorkerDiedError,
)
from metaflow_extensions.functions.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from metaflow_extensions.functions.backend import Backend

LARGEST_CHUNK = 1000  # records
ROUNDS = 4  # chunks per worker, so that none waits long for the slowest
CHOICES = ("raise", "return", "skip")


@dataclass(frozen=True)
class RowError:
    """Stands in place of the result of a record that failed."""

    index: int  # of the record among all
    error: Exception

    def __str__(self) -> str:
        return f"row {self.index}: {type(self.error).__name__}: {self.error}"


@dataclass(frozen=True)
class Mapping:
    """How records are run."""

    batch_size: int | None = None  # records in a chunk
    on_error: str = "raise"
    ordered: bool = True
    progress: bool | Callable[[int], None] = False
    timeout: float | None = None  # seconds for each chunk

    def check(self) -> Mapping:
        """Give itself; FunctionError for a choice that there is not."""
        if self.on_error not in CHOICES:
            raise FunctionError(f"on_error={self.on_error!r}: it is one of {', '.join(CHOICES)}")
        if self.batch_size is not None and self.batch_size < 1:
            raise FunctionError(f"batch_size={self.batch_size}: it is 1 or more")
        return self

    def size(self, records: Iterable[Any], workers: int) -> int:
        """Choose how many records a chunk has."""
        if self.batch_size is not None:
            return self.batch_size
        if not isinstance(records, Sized):
            return LARGEST_CHUNK
        return max(1, min(LARGEST_CHUNK, -(-len(records) // (workers * ROUNDS))))


def run(backend: Backend, records: Iterable[Any], how: Mapping) -> list[Any]:
    """Give a result for each record; raises what the first bad one raised if `how` says so."""
    how.check()
    results: list[Any] = []
    for chunk in _chunks(backend, records, how):
        results.extend(chosen(chunk, how.on_error))
        _tell(how.progress, len(results))
    if how.progress is True and sys.stderr.isatty():
        sys.stderr.write("\n")
    return results


def _chunks(backend: Backend, records: Iterable[Any], how: Mapping) -> Iterator[list[Any]]:
    """Run chunks, as many at a time as there are workers and one more that waits."""
    parts = _parted(records, how.size(records, backend.workers))
    if backend.workers == 1:
        for start, part in parts:
            yield chunk(backend, start, part, how.timeout)
        return
    with ThreadPoolExecutor(backend.workers, "function-map") as threads:
        waiting: deque[Future[list[Any]]] = deque()
        try:
            for start, part in parts:
                waiting.append(threads.submit(chunk, backend, start, part, how.timeout))
                if len(waiting) > backend.workers:
                    yield _next(waiting, ordered=how.ordered).result()
            while waiting:
                yield _next(waiting, ordered=how.ordered).result()
        finally:
            for one in waiting:
                one.cancel()


def _next(waiting: deque[Future[list[Any]]], *, ordered: bool) -> Future[list[Any]]:
    if not ordered:
        for one in waiting:
            if one.done():
                waiting.remove(one)
                return one
    return waiting.popleft()


def _parted(records: Iterable[Any], size: int) -> Iterator[tuple[int, list[Any]]]:
    start, source = 0, iter(records)
    while part := list(islice(source, size)):
        yield start, part
        start += len(part)


def chunk(backend: Backend, start: int, records: list[Any], timeout: float | None) -> list[Any]:
    """Run a chunk; each record gives its result or a RowError.

    A chunk that costs the worker its life, or is too large, is halved until the record is found.
    """
    try:
        answered = orjson.loads(backend.map(within(encode(records), backend.largest), timeout))
    except (NoJsonError, InputError, OutputError, WorkerDiedError, CallTimeoutError) as error:
        if len(records) == 1:
            return [RowError(start, _as_input_error(error))]
        middle = len(records) // 2
        first = chunk(backend, start, records[:middle], timeout)
        return first + chunk(backend, start + middle, records[middle:], timeout)
    values: list[Any] = answered["values"]
    for index, failure in answered["failures"].items():
        values[int(index)] = RowError(start + int(index), Failure.read(failure).exception())
    return values


def within(payload: bytes, largest: int) -> bytes:
    """Give records back; InputError if they have too many bytes."""
    if len(payload) > largest:
        raise InputError(f"the record has {len(payload)} bytes, {largest} are allowed")
    return payload


def _as_input_error(error: Exception) -> Exception:
    if isinstance(error, NoJsonError):
        return InputError(f"the record has no JSON: {str(error).replace('$[0]', '$')}")
    return error


def chosen(rows: list[Any], on_error: str) -> list[Any]:
    """Do with errors as the user chose."""
    if on_error == "skip":
        return [row for row in rows if not isinstance(row, RowError)]
    bad = next((row for row in rows if isinstance(row, RowError)), None)
    if on_error == "raise" and bad is not None:
        if hasattr(bad.error, "add_note"):
            bad.error.add_note(f"row {bad.index} of those given to map")
        raise bad.error
    return rows


def _tell(progress: bool | Callable[[int], None], done: int) -> None:  # noqa: FBT001 - or a function
    if callable(progress):
        progress(done)
    elif progress and sys.stderr.isatty():
        sys.stderr.write(f"\r{done} records")
