"""Find a backend that is up, for the commands that look at one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends import registry
from metaflow_backends.state import Folder, Phase, StateError, owner_alive

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from pytest_metaflow_backends.cli.settings import Settings
    from pytest_metaflow_backends.lifecycle import Active
    from pytest_metaflow_backends.matrix.model import Column


def standing(chosen: Settings, column: Column) -> Active:
    """Give a column that is up; raises UsageError if it is not."""
    from pytest_metaflow_backends.lifecycle.sharing import activate

    name = column.started.name
    try:
        state = Folder.of(chosen.state, name).read()
    except StateError as error:
        raise UsageError(f"{error}; mf-backends down {name} clears it away") from error
    if state is None or state.phase is not Phase.UP or not owner_alive(state):
        raise UsageError(f"{name} is not up; start it: mf-backends up {column.name}")
    return activate(column, registry.load(column.kind), state.running)
