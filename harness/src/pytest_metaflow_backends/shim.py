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


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take those of that suite's options that are no matter of the matrix."""
    group = parser.getgroup("metaflow-ux", "Metaflow's test/ux")
    group.addoption(
        "--exec-mode", choices=(RUNNER, DEPLOYER), help="run every test this way, and no other"
    )
    group.addoption("--tag", metavar="TAG", action="append", help="tag of the runs (several)")


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests marked `basic` or `config` both ways, others as deployments, as in test/ux."""
    if "exec_mode" not in metafunc.fixturenames:
        return
    forced = metafunc.config.getoption("--exec-mode")
    both = any(metafunc.definition.get_closest_marker(name) for name in THROUGH_RUNNER)
    modes = [forced] if forced else [*([RUNNER] if both else []), DEPLOYER]
    metafunc.parametrize("exec_mode", modes, indirect=True)


@pytest.fixture
def exec_mode(request: pytest.FixtureRequest, backend: Active) -> str:
    """Give `runner` or `deployer`; a column without a scheduler skips what is deployed."""
    mode: str = request.param
    if mode == DEPLOYER and not backend.column.scheduler_type:
        state_of(request.node).skip_kind = SkipKind.CAPABILITY
        pytest.skip(f"{backend.column.name}: needs deployer, which it does not declare")
    return mode


@pytest.fixture
def test_config(backend: Active) -> Mapping[str, Any]:
    """Give what that suite reads of its YAML file: one backend, the column of this run."""
    column = backend.column
    fields = {
        "name": column.name,
        "scheduler_type": column.scheduler_type,
        "cluster": column.cluster,
        "decospec": next(iter(column.decospecs), None),
        "deploy_args": dict(column.deploy_args),
        "enabled": True,
    }
    return {"backends": [fields]}


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
def tag(pytestconfig: pytest.Config) -> list[str]:
    """Give the tags that tell this session's runs from others."""
    return pytestconfig.getoption("--tag") or [uuid.uuid4().hex[:8]]


@pytest.fixture(scope="session")
def compute_env() -> dict[str, str]:
    """Give further variables for flows; a conftest may give its own."""
    return {}
