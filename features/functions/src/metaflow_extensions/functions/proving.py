"""Runs the example of a function, to note what it gives and to compare it later."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.backend import start
from metaflow_extensions.functions.calling import call
from metaflow_extensions.functions.capture.archive import digest
from metaflow_extensions.functions.codec import decode, encode
from metaflow_extensions.functions.errors import BindError
from metaflow_extensions.functions.reference import Example, Reference

if TYPE_CHECKING:
    from metaflow_extensions.functions.loading import Loaded


@dataclass(frozen=True)
class Ran:
    """What an example gave."""

    output: Any
    milliseconds: float

    @property
    def sha256(self) -> str:
        return digest(encode(self.output))


def with_example(loaded: Loaded, record: Any) -> Reference:
    """Give the reference with an example; BindError if the function fails on it."""
    try:
        ran = run(loaded, record)
    except Exception as error:
        raise BindError(f"the example failed: {type(error).__name__}: {error}") from error
    example = Example(decode(encode(record)), ran.sha256, ran.milliseconds)
    return replace(loaded.reference, example=example)


def run(loaded: Loaded, record: Any, backend: str = "process") -> Ran:
    """Run a record in a process of its own, twice: the second time is how long it takes."""
    running = start(backend, loaded)
    try:
        call(running, record, None)
        began = time.perf_counter()
        output = call(running, record, None)
        took = time.perf_counter() - began
    finally:
        running.close()
    return Ran(output, round(took * 1000, 3))
