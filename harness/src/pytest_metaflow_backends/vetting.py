"""Hold columns against their backends before any work: what only the backend's own code knows."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from metaflow_backends.protocol import Backend

    from pytest_metaflow_backends.matrix.model import Column


def vet(columns: Iterable[Column]) -> None:
    """Raise UsageError, a line with its place in the file per mistake, for what cannot be right."""
    from metaflow_backends import registry

    load = cache(registry.load)  # it looks through all that is installed
    if wrong := [line for column in columns for line in [_mistake(column, load)] if line]:
        raise UsageError("\n".join(dict.fromkeys(wrong)))


def _mistake(column: Column, load: Callable[[str], Backend]) -> str:
    """Say what is wrong with a column's options, provider or capabilities; "" if nothing is."""
    from metaflow_backends.errors import BackendError
    from metaflow_backends.options import OptionError
    from metaflow_backends.protocol import Checks

    from pytest_metaflow_backends.capabilities import VOCABULARY
    from pytest_metaflow_backends.lifecycle.starting import settings_of
    from pytest_metaflow_backends.matrix.suggest import did_you_mean

    try:
        backend = load(column.kind)
        if isinstance(backend, Checks):
            backend.check(settings_of(column))
    except OptionError as error:
        return f"{column.where}: {error}"
    except BackendError:  # told by whoever probes or starts it
        return ""
    if unknown := sorted(backend.capabilities - {*VOCABULARY}):
        near = did_you_mean(unknown[0], VOCABULARY)
        return (
            f"{column.where}: the kind {column.kind!r} declares {unknown[0]!r}, and there is no "
            f"capability of that name{near}"
        )
    undeclared = sorted((column.provides or frozenset()) - backend.capabilities)
    if undeclared:
        return (
            f"{column.where}: {column.name}: `provides` names {', '.join(undeclared)}, which the "
            f"kind {column.kind!r} does not declare; take it out of the matrix"
        )
    return ""
