"""Reports made by hand: one as a person meets it, one that is huge, one cell at a time."""

from __future__ import annotations

from html_sample.large import large
from html_sample.parts import attempt, detail_of, empty_grid, group_of, put, report_of
from html_sample.realistic import COLUMNS, KEYS, realistic

__all__ = [
    "COLUMNS",
    "KEYS",
    "attempt",
    "detail_of",
    "empty_grid",
    "group_of",
    "large",
    "put",
    "realistic",
    "report_of",
]
