"""Columns that are another way to use what a second one has started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends.protocol import Shares

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.lifecycle.active import Active
from pytest_metaflow_backends.lifecycle.starting import settings_of

if TYPE_CHECKING:
    from metaflow_backends.protocol import Backend, Running

    from pytest_metaflow_backends.matrix.model import Column


def activate(column: Column, backend: Backend, running: Running) -> Active:
    """Give a column that can be used, now that `column.started` is up.

    Raises UsageError if its backend can only be started by itself.
    """
    if column.shares is None:
        return Active(column=column, running=running, backend=backend)
    if not isinstance(backend, Shares):
        raise UsageError(
            f"backend {column.name!r}: the kind {column.kind!r} cannot share another's column; "
            "take `shares` out of the matrix"
        )
    attached = backend.attach(settings_of(column), running)
    return Active(column=column, running=attached, backend=backend)
