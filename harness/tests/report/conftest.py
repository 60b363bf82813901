from __future__ import annotations

import pytest


@pytest.fixture
def cells():
    """The grid of a report as {column: {test: state in lower case}}, without absent cells."""

    def cells(report):
        grid = report.grid
        return {
            column: {
                grid.keys[row].removeprefix("t.py::test_"): state.name.lower()
                for row in range(len(grid.keys))
                if (state := grid.state(row, column))
            }
            for column in grid.columns
        }

    return cells
