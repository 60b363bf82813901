"""Under pytest-xdist: hand the run's identity to every worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_metaflow_backends import fixtures
from pytest_metaflow_backends.context import WORKER_KEY

if TYPE_CHECKING:
    from pytest_metaflow_backends.context import RunContext


class Distribution:
    """Registered in the controller, and only if xdist is at work."""

    def __init__(self, config: pytest.Config, run: RunContext) -> None:
        self.config = config
        self.run = run

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist has no types
        node.workerinput[WORKER_KEY] = {
            "session": self.run.session,
            "owner": self.run.owner,
            "deadline": self.run.deadline,
        }

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Claim the state folder before any worker runs a test that needs a backend.

        Only the node ids come this far; one that looks like a column's is taken for one.
        """
        marks = tuple(f"[{column.name}" for column in self.run.columns)
        if any(mark in nodeid for nodeid in ids for mark in marks):
            fixtures.claim(self.config)
