"""What the plugin knows about one collected test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_metaflow_backends.matrix.model import Column, Expectation
    from pytest_metaflow_backends.records import RunRef, SkipKind, Snapshot


@dataclass
class ItemState:
    """The test's place in the matrix, and what it gathers while it runs (one per item)."""

    key: str
    column: Column | None = None
    expectation: Expectation | None = None
    expired: bool = False
    undeclared: tuple[str, ...] = ()  # capabilities it needs, lacks, and runs without on purpose
    skip_kind: SkipKind | None = None
    skip_reason: str = ""
    runs: list[RunRef] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)

    def begin(self) -> None:
        """Forget what an earlier attempt gathered, so that a retry reports its own."""
        self.skip_kind, self.skip_reason = None, ""
        self.runs.clear()
        self.snapshots.clear()


STATE = pytest.StashKey[ItemState]()


def state_of(item: pytest.Item) -> ItemState:
    """Look up the state of an item; items of foreign collectors get one on first use."""
    state = item.stash.get(STATE, None)
    if state is None:
        state = item.stash[STATE] = ItemState(key=item.nodeid)
    return state


def key_of(nodeid: str, column: str) -> str:
    """Remove the backend's own part from a node id, so that rows of the grid join.

    The plugin parametrises before anyone else, so its part is the first one in the brackets.

    >>> key_of("t.py::test_a[k8s/kind]", "k8s/kind"), key_of("t.py::test_a[local-7]", "local")
    ('t.py::test_a', 't.py::test_a[7]')
    """
    name, bracket, rest = nodeid.partition(f"[{column}")
    if not bracket or rest[:1] not in {"-", "]"}:  # not there, or a longer name
        return nodeid
    return f"{name}[{rest[1:]}" if rest[0] == "-" else name + rest[1:]
