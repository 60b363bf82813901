"""A report of any size: one cell in a hundred failed, in 40 groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_metaflow_backends.records import Cause
from pytest_metaflow_backends.report.model import Report

from html_sample.parts import attempt, detail_of, empty_grid, group_of, verdict_of

if TYPE_CHECKING:
    from pytest_metaflow_backends.report.model import Detail

GROUPS = 40


def large(
    rows: int, columns: tuple[str, ...] = ("local", "docker", "nomad", "k8s", "argo")
) -> Report:
    keys = [f"tests/area_{row // 500}/test_module.py::test_case_{row}" for row in range(rows)]
    grid = empty_grid(columns, keys)
    found: dict[int, list[Detail]] = {}
    for number, cell in enumerate(range(0, rows * len(columns), 100)):
        row, place = divmod(cell, len(columns))
        detail = failure(keys[row], columns[(place + row) % len(columns)], number % GROUPS)
        grid.states[detail.column][row] = detail.state.value
        grid.details[detail.key, detail.column] = detail
        found.setdefault(number % GROUPS, []).append(detail)
    groups = [group_of(f"AssertionError: case {n}", details) for n, details in found.items()]
    return Report(grid=grid, verdict=verdict_of(grid), groups=groups)


def failure(key: str, column: str, number: int) -> Detail:
    attempts = (attempt(1, message=f"assert {number} == {number + 1}"),)
    return detail_of(key, column, seconds=1.5, cause=Cause.TEST, attempts=attempts)
