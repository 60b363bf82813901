"""Under pytest-xdist: hand the run's identity to every worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_metaflow_backends.context import WORKER_KEY

if TYPE_CHECKING:
    from pytest_metaflow_backends.context import RunContext


class Distribution:
    """Registered in the controller, and only if xdist is at work."""

    def __init__(self, run: RunContext) -> None:
        self.run = run

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - xdist has no types
        node.workerinput[WORKER_KEY] = {
            "session": self.run.session,
            "owner": self.run.owner,
            "deadline": self.run.deadline,
        }
