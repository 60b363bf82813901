"""Find known failures of tests that are not there: they would excuse the next one of that name."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from pytest_metaflow_backends.matrix.model import Expectation


def idle(
    expectations: Iterable[Expectation], tests: Collection[tuple[str, str]], root: Path
) -> Iterator[str]:
    """Yield a line for each expectation that covers none of `tests`, all (key, column) collected.

    One is judged only by a file that was collected for its column, or if its file is not there at
    all: a person who runs a part of the tests need not see the others.
    """
    for one in expectations:
        if any(one.covers(key, column) for key, column in tests):
            continue
        if _gone(one, root) or any(_same_file(one, key, column) for key, column in tests):
            yield (
                f"{one.where}: no test of {one.column} is {one.test}; correct the name or take "
                "the expectation out"
            )


def _file(test: str) -> str:
    return test.partition("::")[0]


def _gone(one: Expectation, root: Path) -> bool:
    file = _file(one.test)
    return not set("*?") & set(file) and not (root / file).exists()


def _same_file(one: Expectation, key: str, column: str) -> bool:
    of_column = one.column in {column, column.partition("/")[0]}
    return of_column and fnmatch.fnmatchcase(_file(key), _file(one.test))
