"""Metaflow's own Runner and Deployer in the test's process, set up for one column.

Metaflow reads its settings when it is imported, so one process can serve one column only.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping
    from pathlib import Path

    from pytest_metaflow_backends.lifecycle import Active

_adopted: list[str] = []  # the column whose settings this process has, at most one


def adopt(active: Active, environment: MutableMapping[str, str]) -> None:
    """Take over a column's environment for this process, before Metaflow is imported.

    Raises UsageError if the process serves another column already.
    """
    name = active.column.name
    if _adopted == [name]:
        return
    if _adopted:
        raise UsageError(
            f"Metaflow in this process is set up for {_adopted[0]} and cannot also serve {name}; "
            "run one column per process: mf-backends run, or pytest --metaflow-backend NAME"
        )
    if "metaflow" in sys.modules:
        raise UsageError(
            "metaflow was imported before the backend's settings were known; import it inside the "
            "test or use the fixture mf_flow, which runs flows in a process of their own"
        )
    complete = active.environ(environment)
    for gone in set(environment) - set(complete):
        del environment[gone]
    environment.update(complete)
    _adopted.append(name)


def runner(active: Active, here: Path, environment: MutableMapping[str, str]) -> Callable[..., Any]:
    """Give a `Runner` factory: the column's decorators are added, relative paths resolved."""
    adopt(active, environment)

    def make(path: str, **options: Any) -> Any:  # noqa: ANN401 - Metaflow has no types
        from metaflow import Runner

        _forget_flow(here / path)
        specs = [*active.column.decospecs, *options.pop("decospecs", ())]
        extra = {"decospecs": specs} if specs else {}
        return Runner(str(here / path), **{"show_output": False, **extra, **options})

    return make


def deployer(
    active: Active, here: Path, environment: MutableMapping[str, str]
) -> Callable[..., Any]:
    """Give a `Deployer` factory for this column."""
    adopt(active, environment)

    def make(path: str, **options: Any) -> Any:  # noqa: ANN401 - Metaflow has no types
        from metaflow import Deployer

        _forget_flow(here / path)
        return Deployer(str(here / path), **{"show_output": False, **options})

    return make


def _forget_flow(path: Path) -> None:
    """Drop Metaflow's cached view of a flow file, which would outlive a change of the file."""
    from metaflow.runner import click_api

    click_api.loaded_modules.pop(str(path), None)
