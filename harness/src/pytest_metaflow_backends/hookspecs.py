"""Hooks that a conftest or another plugin may implement. All are typed and optional."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from pytest_metaflow_backends.lifecycle import Active
    from pytest_metaflow_backends.records import BackendEvent, Cause, Result


@pytest.hookspec(firstresult=True)
def pytest_metaflow_classify(error: BaseException) -> Cause | None:
    """Name the cause of a failure; the first answer that is not None wins.

    Called in the process that ran the test. Without an answer `causes.classify` decides.

    versionadded: 0.1
    """


def pytest_metaflow_environment(active: Active, environment: MutableMapping[str, str]) -> None:
    """Change the environment a flow is about to run in, e.g. to add a datastore's address.

    Called before each flow with the complete environment (the backend's laid over ours).

    versionadded: 0.1
    """


def pytest_metaflow_redact() -> Sequence[str]:  # type: ignore[empty-body]
    """Give further regular expressions whose matches must never be recorded.

    versionadded: 0.1
    """


def pytest_metaflow_backend_event(event: BackendEvent) -> None:
    """Follow the life of a backend; called in the process that caused the event.

    versionadded: 0.1
    """


def pytest_metaflow_result(result: Result) -> None:
    """Follow the results, one call per test and column, in the controlling process.

    versionadded: 0.1
    """
