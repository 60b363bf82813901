"""Wire the parts of the plugin together for a run that has a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_metaflow_backends import context, fixtures, stopping
from pytest_metaflow_backends.collection import Collection
from pytest_metaflow_backends.distribution import Distribution
from pytest_metaflow_backends.errors import HarnessError
from pytest_metaflow_backends.plugin import ACTIVE
from pytest_metaflow_backends.properties import Properties
from pytest_metaflow_backends.recording import Recording
from pytest_metaflow_backends.reporting import Reporting

if TYPE_CHECKING:
    from pathlib import Path

FIXED_MARKERS = (
    "needs(*capabilities): capabilities a backend must have, e.g. needs('foreach', 'retry')",
    "backends(*names): run on these backends only",
    "smoke: the few tests that every backend and variant runs in `make test`",
    "slow: takes long; part of `make test-full`",
    "faults: breaks something on purpose; part of `make test-full`",
)


def activate(config: pytest.Config, matrix: Path) -> None:
    """Read the matrix and register what this process (controller or worker) has to do."""
    try:
        run = context.from_config(config, matrix)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[context.RUN] = run
    for line in FIXED_MARKERS:
        config.addinivalue_line("markers", line)
    for name in run.matrix.backends():
        marker = run.matrix.marker(name)
        config.addinivalue_line("markers", f"{marker}: runs on the backend {name}")
    manager = config.pluginmanager
    manager.register(Collection(config, run), ACTIVE)
    manager.register(Reporting(config, run), "metaflow-reporting")
    manager.register(Properties(run.redact), "metaflow-properties")
    fixtures.open_lifecycle(config, run)
    if run.controlling:
        stopping.end_in_order(config)
        manager.register(Recording(config, run), "metaflow-recording")
        if manager.hasplugin("dsession") or config.getoption("numprocesses", None):
            manager.register(Distribution(config, run), "metaflow-distribution")
