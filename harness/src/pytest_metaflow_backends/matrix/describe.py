"""A column of the matrix in words, for `mf-backends plan`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pytest_metaflow_backends.matrix.durations import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_metaflow_backends.matrix.model import Column


def describe(column: Column) -> Iterator[str]:
    """Yield all settings of a column, one line each; of variables only the names."""
    yield f"kind {column.kind}" + (f", provider {column.provider}" if column.provider else "")
    if column.shares:
        yield f"shares {column.shares.name}, which is started in its place"
    yield _when(column)
    yield f"timeout {text(column.timeout)} per flow, {text(column.start_timeout)} to come up"
    later = "" if find_spec("pytest_rerunfailures") else ", once pytest-rerunfailures is installed"
    yield f"retries after infrastructure failures: {column.retries.infra}{later}"
    if column.workers:
        yield f"workers {column.workers}"
    if column.decospecs:
        yield f"decorators {', '.join(column.decospecs)}"
    if column.scheduler_type:
        yield f"deployed with {column.scheduler_type}"
    if column.cluster:
        yield f"cluster {column.cluster}"
    if column.provides is not None:
        yield f"provides {', '.join(sorted(column.provides)) or 'nothing'}"
    if column.environment:
        yield f"variables {', '.join(sorted(column.environment))}"
    for title, settings in (("deploy argument", column.deploy_args), ("option", column.options)):
        for name, value in sorted(settings.items()):
            yield f"{title} {name}: {value}"


def _when(column: Column) -> str:
    """Say when it runs, and where it is missed if it does not."""
    runs = "runs by default" if column.default else "runs only if it is named"
    if isinstance(column.required, bool):
        return f"{runs}, {'required everywhere' if column.required else 'optional'}"
    return f"{runs}, required in {', '.join(column.required)}"
