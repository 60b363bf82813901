"""The work behind the fixtures: find the column, start it once, hand it to the test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from metaflow_backends import registry
from metaflow_backends.errors import BackendError
from metaflow_backends.protocol import Process

from pytest_metaflow_backends import capabilities, inprocess
from pytest_metaflow_backends.context import RUN, RunContext
from pytest_metaflow_backends.errors import HarnessError
from pytest_metaflow_backends.item import state_of
from pytest_metaflow_backends.lifecycle import Active, Broken, Lifecycle, Unavailable
from pytest_metaflow_backends.mfflow import FlowStarter
from pytest_metaflow_backends.recorder import Recorder
from pytest_metaflow_backends.records import BackendEvent, Part, SkipKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_metaflow_backends.matrix.model import Column

LIFECYCLE = pytest.StashKey[Lifecycle]()
CLAIMED = pytest.StashKey[bool]()


def open_lifecycle(config: pytest.Config, run: RunContext) -> None:
    """Prepare to start backends; nothing is touched until a test that needs one is collected."""
    owner = Process(pid=run.owner, created=psutil.Process(run.owner).create_time())
    config.stash[LIFECYCLE] = Lifecycle(
        run.state, run.session, owner, registry, _listener(config, run)
    )


def claim(config: pytest.Config) -> None:
    """Take the state folder for this run and clear what a killed run left; in the controller.

    Raises pytest.UsageError, naming the other, if a living run has the folder.
    """
    if config.stash.get(CLAIMED, False) or config.option.collectonly:
        return
    try:
        config.stash[LIFECYCLE].reap()
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from error
    config.stash[CLAIMED] = True


def close_lifecycle(config: pytest.Config) -> None:
    """Stop what this run started; called in the controller after the last worker has gone."""
    if config.stash.get(CLAIMED, False):
        config.stash[LIFECYCLE].release_all()


def _listener(config: pytest.Config, run: RunContext) -> Callable[[BackendEvent], None]:
    """Record events in a file of this process's own, opened when the first one comes."""
    opened: list[Recorder] = []

    def listen(event: BackendEvent) -> None:
        config.hook.pytest_metaflow_backend_event(event=event)
        if run.records is None:
            return
        if not opened:
            name = f"{run.session}.{run.worker or 'main'}.jsonl"
            opened.append(Recorder(run.records / name, run.redact))
            opened[0].write(Part(session=run.session, worker=run.worker or "main"))
        opened[0].write(event)

    return listen


def backend(request: pytest.FixtureRequest) -> Iterator[Active]:
    """Start the column if nobody has, and decide whether this test runs on it."""
    column = _column(request)
    _decide_by_capabilities(request, column)
    try:
        active = request.config.stash[LIFECYCLE].acquire(column)
    except (Unavailable, Broken) as error:
        _not_run(request, str(error))
    running = active.running
    request.config.stash[RUN].redact.learn(running.environment, running.endpoints, running.details)
    active.check(_needs(request))
    yield active


def _column(request: pytest.FixtureRequest) -> Column:
    name = getattr(request, "param", None)
    if not isinstance(name, str):
        pytest.fail(
            "the fixture `backend` got no column of the matrix; a conftest that overrides "
            "its parameters must give names of columns with indirect=True",
            pytrace=False,
        )
    return request.config.stash[RUN].column(name)


def _decide_by_capabilities(request: pytest.FixtureRequest, column: Column) -> None:
    """Skip the test if it needs what the column does not declare, before anything is started."""
    needs = _needs(request)
    provides = column.provides
    if provides is None:
        try:
            provides = registry.load(column.kind).capabilities
        except BackendError:  # whoever starts it says why, and that it is broken
            return
    run = request.config.stash[RUN]
    decision = capabilities.resolve(needs, provides, probe_undeclared=run.probe_undeclared)
    state = state_of(request.node)
    if isinstance(decision, capabilities.Skip):
        state.skip_kind = SkipKind.CAPABILITY
        pytest.skip(f"{column.name}: {decision.reason}")
    if isinstance(decision, capabilities.Probe):
        state.undeclared = tuple(decision.missing)


def _needs(request: pytest.FixtureRequest) -> list[str]:
    return [name for mark in request.node.iter_markers("needs") for name in mark.args]


def _not_run(request: pytest.FixtureRequest, reason: str) -> None:
    state_of(request.node).skip_kind = SkipKind.UNAVAILABLE
    pytest.skip(reason)


def report_failure(config: pytest.Config, column: Column, reason: str) -> None:
    """Count a failure that the backend is to blame for; after two the column is broken."""
    config.stash[LIFECYCLE].report_failure(column, reason)


def mf_flow(request: pytest.FixtureRequest) -> Iterator[FlowStarter]:
    """Give the function that runs flows on the test's column."""
    yield FlowStarter(
        active=_active(request),
        state=state_of(request.node),
        here=request.path.parent,
        folder=request.getfixturevalue("tmp_path"),
        hook=request.config.hook,
        redact=request.config.stash[RUN].redact,
    )


def mf_runner(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Give Metaflow's own Runner, in this process."""
    yield inprocess.runner(_active(request), request.path.parent, os.environ)


def mf_deployer(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Give Metaflow's own Deployer, in this process."""
    yield inprocess.deployer(_active(request), request.path.parent, os.environ)


def _active(request: pytest.FixtureRequest) -> Active:
    active = request.getfixturevalue("backend")
    if not isinstance(active, Active):
        pytest.fail(
            f"this fixture needs the fixture `backend` of the harness, but the test brings "
            f"its own: {active!r}",
            pytrace=False,
        )
    return active
