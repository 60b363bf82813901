"""The report of a workflow run that has ended, made where that run's code never runs.

Its records are taken for what anybody may have written. Which columns they must hold is decided by
what GitHub says of the change, and by the matrix of the tested commit, which is data.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_metaflow_backends import changes
from pytest_metaflow_backends.cli.building import ALLOWED, Order, build_and_write
from pytest_metaflow_backends.cli.destination import TOKEN
from pytest_metaflow_backends.cli.expecting import expected_columns
from pytest_metaflow_backends.cli.settings import Settings
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_metaflow_backends.github.client import GitHub
    from pytest_metaflow_backends.github.event import Event
    from pytest_metaflow_backends.matrix.model import Column
    from pytest_metaflow_backends.report.model import Report

CONTEXT = "ci"


class _AnyKind(frozenset[str]):
    """The kinds of backends that may be installed where the tests ran; here none needs to be."""

    def __contains__(self, _: object) -> bool:
        return True


def report(
    event: Event,
    github: GitHub | None,
    broken: Sequence[str],
    folder: Path,
    *,
    title: str,
    matrix: str | None,
) -> Report:
    """Fetch the records of the run, judge them, and write the reports into `folder`."""
    from pytest_metaflow_backends.github import artifacts

    if github is None:
        raise UsageError(f"{TOKEN} is not set, and the records of a run that has ended need it")
    with tempfile.TemporaryDirectory(prefix="mf-backends-") as name:
        scratch = Path(name)
        chosen = _matrix(event, github, scratch, matrix or "matrix.yaml")
        columns = expected_columns(_needed(event, github, chosen), CONTEXT, required=True)
        collected = artifacts.collect(github, event.run, scratch / "artifacts")
        order = Order(collected.folder, columns, title, collected.refused, broken)
        return build_and_write(order, folder, chosen)


def _matrix(event: Event, github: GitHub, scratch: Path, name: str) -> Settings:
    """Read the matrix of the tested commit, and save what it names beside it."""
    from pytest_metaflow_backends.github import change

    path = change.save(github, event, name, scratch)
    if path is None:
        raise UsageError(f"{event.head[:12]} has no {name}; name its matrix with --matrix FILE")
    matrix = load(path, _AnyKind())
    beside = Path(name).parent / (matrix.allowed_differences or ALLOWED)
    change.save(github, event, beside.as_posix(), scratch)
    return Settings(matrix, path.parent / ".metaflow-backends", CONTEXT)


def _needed(event: Event, github: GitHub, chosen: Settings) -> Sequence[Column]:
    """Give the columns that the change needs."""
    from pytest_metaflow_backends.github import change

    about = change.of_run(github, event)
    selected = changes.select(chosen.matrix, about.paths, about.labels, context=CONTEXT)
    return [column for column in chosen.matrix.columns if column.name in selected.columns]
