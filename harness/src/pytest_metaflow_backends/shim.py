"""Run tests that were written for Metaflow's own `test/ux` suite, unchanged, on a column.

Switched on with `-p pytest_metaflow_backends.shim`, in the place of that suite's conftest.py. Such
tests import metaflow at the top of their modules, and Metaflow reads its settings then: so the one
column of the run is started before anything is collected.

Source of names and meaning: Netflix/metaflow, test/ux/conftest.py (2026-08).
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_metaflow_backends import fixtures, inprocess
from pytest_metaflow_backends.context import RUN
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.item import state_of
from pytest_metaflow_backends.lifecycle import Active, Broken, Unavailable
from pytest_metaflow_backends.records import SkipKind

if TYPE_CHECKING:
    from collections.abc import Mapping

RUNNER, DEPLOYER = "runner", "deployer"
MARKERS = (
    "basic: of test/ux: runs through Runner too",
    "config: of test/ux: runs through Runner too",
    "scheduler_only: of test/ux: runs through Deployer only",
    "data_ux: of test/ux: runs through Deployer only",
)
THROUGH_RUNNER = ("basic", "config")


@dataclass(frozen=True)
class SchedulerConfig:
    """What `ux_test_config.yaml` says about a backend's scheduler, out of matrix.yaml."""

    scheduler_type: str | None = None
    cluster: str | None = None
    deploy_args: Mapping[str, Any] = field(default_factory=dict)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as of a dict
        return getattr(self, key, default)


def pytest_configure(config: pytest.Config) -> None:
    """Know the markers of that suite."""
    for line in MARKERS:
        config.addinivalue_line("markers", line)


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the run's column and give this process its settings, before test modules import."""
    run = session.config.stash.get(RUN, None)
    if run is None or session.config.option.collectonly:
        return
    if len(run.columns) != 1:
        names = ", ".join(column.name for column in run.columns)
        raise pytest.UsageError(
            f"tests of test/ux run on one column per process, and this run has {names or 'none'}: "
            "mf-backends run, or --metaflow-backend NAME"
        )
    if run.controlling:
        fixtures.claim(session.config)
    if run.controlling and session.config.getoption("numprocesses", None):
        return  # its workers run the tests
    try:
        active = session.config.stash[fixtures.LIFECYCLE].acquire(run.columns[0])
        inprocess.adopt(active, os.environ)
    except (Unavailable, Broken):
        return  # the fixture `backend` says so for each test
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.fixture
def exec_mode(request: pytest.FixtureRequest, backend: Active) -> str:
    """Give `deployer` on a column that has a scheduler, else `runner`.

    There only tests marked `basic` or `config` run, as in test/ux.
    """
    if backend.column.scheduler_type:
        return DEPLOYER
    if not any(request.node.get_closest_marker(name) for name in THROUGH_RUNNER):
        state_of(request.node).skip_kind = SkipKind.CAPABILITY
        pytest.skip(f"{backend.column.name}: needs deployer, which it does not declare")
    return RUNNER


@pytest.fixture
def scheduler_config(backend: Active) -> SchedulerConfig:
    """Give scheduler, cluster and arguments of a deployment."""
    column = backend.column
    return SchedulerConfig(column.scheduler_type, column.cluster, dict(column.deploy_args))


@pytest.fixture
def backend_name(backend: Active) -> str:
    """Name the column."""
    return backend.column.name


@pytest.fixture
def decospecs(backend: Active) -> list[str] | None:
    """Give every step's decorators, as Runner and Deployer take them; None if there are none."""
    return list(backend.column.decospecs) or None


@pytest.fixture(scope="session")
def tag() -> list[str]:
    """Give the tags that tell this session's runs from others."""
    return [uuid.uuid4().hex[:8]]


@pytest.fixture(scope="session")
def compute_env() -> dict[str, str]:
    """Give further variables for flows; a conftest may give its own."""
    return {}
