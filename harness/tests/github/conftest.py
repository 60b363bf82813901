from __future__ import annotations

import pytest
from pytest_metaflow_backends.github.event import Event, WorkflowRun

HEAD = "a" * 40


class FakeClock:
    """Time that passes only when somebody waits, and is counted."""

    def __init__(self):
        self.now = 1_000_000.0
        self.waits = []

    def time(self):
        return self.now

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture(scope="session")
def event():
    return Event(
        name="pull_request",
        repository="o/r",
        head=HEAD,
        base="b" * 40,
        run=WorkflowRun(7, 1, "https://github.com/o/r/actions/runs/7"),
        number=5,
    )


@pytest.fixture
def server(clock):
    from strict_github.server import StrictGitHub

    return StrictGitHub(now=clock.time)


@pytest.fixture
def github(server, clock):
    """A client of the strict server, as `GitHub.connect` makes it, but for the wire."""
    import httpx
    from pytest_metaflow_backends.github.client import GitHub

    headers = {"authorization": f"Bearer {server.token}"}
    http = httpx.Client(
        transport=server.transport(), base_url="https://api.github.com", headers=headers
    )
    with http:
        yield GitHub(http, server.repository, clock)
