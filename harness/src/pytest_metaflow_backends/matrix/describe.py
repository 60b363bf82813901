"""A column of the matrix in words, for `mf-backends plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_metaflow_backends.matrix.model import Column


def describe(column: Column) -> Iterator[str]:
    """Yield the settings that matter, one line each."""
    yield f"kind {column.kind}" + (f", provider {column.provider}" if column.provider else "")
    yield f"timeout {column.timeout:g} s per flow, {column.start_timeout:g} s to come up"
    yield f"retries after infrastructure failures: {column.retries.infra}"
    if column.workers:
        yield f"workers {column.workers}"
    if column.decospecs:
        yield f"decorators {', '.join(column.decospecs)}"
    if column.scheduler_type:
        yield f"deployed with {column.scheduler_type}"
    if column.provides is not None:
        yield f"provides {', '.join(sorted(column.provides))}"
    for name, value in sorted(column.options.items()):
        yield f"option {name}: {value}"
