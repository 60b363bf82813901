"""The pytest plugin's front door: options, and nothing else until a matrix is there.

pytest imports this module at every start of every project it is installed in, so it imports
nothing but pytest and the standard library; the rest follows in `activation` once it is wanted.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

MATRIX_FILE = "matrix.yaml"
ACTIVE = "metaflow-collection"  # the plugin that is there once a matrix is
FIXTURES_HELP = (
    "this test needs a backend, but there is no matrix.yaml in {root}; create one "
    "(version: 1, backends: {{local: {{kind: local}}}}) or name it with --metaflow-matrix FILE"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options; all begin with `--metaflow-`."""
    group = parser.getgroup("metaflow", "Metaflow backends")
    add = group.addoption
    add("--metaflow-matrix", metavar="FILE", help="matrix file (default: matrix.yaml in rootdir)")
    add(
        "--metaflow-backend",
        metavar="NAMES",
        action="append",
        help="columns to run, e.g. local,k8s/kind (default: the matrix's default columns)",
    )
    add(
        "--metaflow-require",
        metavar="NAMES",
        action="append",
        help="columns that must run: not available or nothing executed is red",
    )
    add(
        "--metaflow-all-variants",
        action="store_true",
        help="run the variants too that are not default",
    )
    add("--metaflow-records", metavar="DIR", help="append records (JSONL) to files in DIR")
    add(
        "--metaflow-state",
        metavar="DIR",
        help="folder for the state of started backends (default: .metaflow-backends in rootdir)",
    )
    add(
        "--metaflow-context",
        choices=("dev", "ci", "nightly"),
        help="decides which backends are required (default: ci where CI is set, else dev)",
    )
    add(
        "--metaflow-probe-undeclared",
        action="store_true",
        help="run tests that need an undeclared capability too and report those that pass",
    )
    add(
        "--metaflow-deadline",
        metavar="SECONDS",
        type=float,
        help="start no further test after so many seconds",
    )


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement."""
    from pytest_metaflow_backends import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start work only if this run has a matrix."""
    path = _matrix_path(config)
    if path is None:
        return
    from pytest_metaflow_backends import activation

    activation.activate(config, path)


def _matrix_path(config: pytest.Config) -> Path | None:
    """Find the matrix of this run: the one that was named, else the one in the root folder."""
    if named := config.option.metaflow_matrix:
        return Path(config.invocation_params.dir, named)
    path = config.rootpath / MATRIX_FILE
    if path.is_file():
        return path
    if any(getattr(config.option, name) for name in ("metaflow_backend", "metaflow_require")):
        raise pytest.UsageError(
            f"there is no {MATRIX_FILE} in {config.rootpath}; name one with --metaflow-matrix FILE"
        )
    if config.option.metaflow_records:
        raise pytest.UsageError(
            f"--metaflow-records needs a matrix, and there is no {MATRIX_FILE} "
            f"in {config.rootpath}; name one with --metaflow-matrix FILE"
        )
    return None


@pytest.fixture
def backend(request: pytest.FixtureRequest) -> Iterator[object]:
    """Give the column under test: name, variant, capabilities, environment, logs."""
    yield from _work(request, "backend")


@pytest.fixture
def mf_flow(request: pytest.FixtureRequest, backend: object) -> Iterator[object]:  # noqa: ARG001
    """Give a function that runs a flow file on this backend: `mf_flow(path) -> FlowOutcome`."""
    yield from _work(request, "mf_flow")


@pytest.fixture
def mf_runner(request: pytest.FixtureRequest, backend: object) -> Iterator[object]:  # noqa: ARG001
    """Give Metaflow's `Runner`, set up for this backend: `mf_runner(path, **options)`."""
    yield from _work(request, "mf_runner")


@pytest.fixture
def mf_deployer(request: pytest.FixtureRequest, backend: object) -> Iterator[object]:  # noqa: ARG001
    """Give Metaflow's `Deployer`, set up for this backend: `mf_deployer(path, **options)`."""
    yield from _work(request, "mf_deployer")


def _without_matrix(root: Path) -> str:
    """Say what to do where pytest's root folder holds no matrix; one further up is named."""
    above = (folder / MATRIX_FILE for folder in root.parents)
    if found := next((path for path in above if path.is_file()), None):
        return (
            f"this test needs a backend, and {root}, where pytest began, holds no {MATRIX_FILE}; "
            f"{found} does: run pytest there, put a pytest.ini beside it, or name it with "
            "--metaflow-matrix"
        )
    return FIXTURES_HELP.format(root=root)


def _work(request: pytest.FixtureRequest, name: str) -> Iterator[object]:
    """Do the work of a fixture in `fixtures`, which is only imported where a matrix is."""
    if not request.config.pluginmanager.hasplugin(ACTIVE):
        pytest.fail(_without_matrix(request.config.rootpath), pytrace=False)
    from pytest_metaflow_backends import fixtures

    yield from getattr(fixtures, name)(request)
