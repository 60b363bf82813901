from __future__ import annotations

import json

import pytest
from pytest_metaflow_backends.github import client
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


@pytest.fixture
def job(project, command, monkeypatch):
    """A job of GitHub; `job(name, payload)` runs `mf-backends publish` in it, at any pace."""
    import scripted_commit
    from strict_github.server import StrictGitHub
    from strict_github.serving import serving

    server = StrictGitHub()
    project.matrix(scripted_commit.MATRIX)
    monkeypatch.setattr(client, "WRITE_INTERVAL", 0)

    def job(name, payload, *arguments, token=server.token, ret=0):
        event = project.path / "event.json"
        event.write_text(json.dumps(payload))
        for variable, value in {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REPOSITORY": "o/r",
            "GITHUB_SHA": "c" * 40,
            "GITHUB_RUN_ID": "7",
            "GITHUB_API_URL": address,
            "GITHUB_STEP_SUMMARY": str(project.path / "summary.md"),
            "GITHUB_TOKEN": token,
        }.items():
            monkeypatch.setenv(variable, value)
        result = command("publish", *arguments)
        assert result.ret == ret, result.err
        assert server.refused == []
        return result

    job.server = server
    with serving(server) as address:
        yield job
