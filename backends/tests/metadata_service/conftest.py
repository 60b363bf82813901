"""A service in a process of its own, and Metaflow's own client to ask it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import pytest
from metaflow_backends import sandbox
from metaflow_backends.metadata_service import Server
from metaflow_backends.ownership import Ownership
from metaflow_backends.spawning import stop


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    owner = Ownership.of(home)
    server = Server.start(home, owner=owner, address="127.0.0.1", timeout=30)
    yield server, home
    stop(server.process, 1)


@pytest.fixture
def environment(service):
    server, home = service
    told = {
        **os.environ,
        **sandbox.make(home),
        "METAFLOW_DEFAULT_METADATA": "service",
        "METAFLOW_SERVICE_URL": server.endpoint,
        "METAFLOW_SERVICE_RETRY_COUNT": "2",
    }
    return {name: value for name, value in told.items() if value is not None}


@pytest.fixture
def metaflow(environment, service):
    """Run a few lines with Metaflow, configured for the service; gives what they print as JSON."""

    def run(code):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
            cwd=service[1] / "work",
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run
