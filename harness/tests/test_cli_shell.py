"""`mf-backends shell`: a command with everything set for a backend that is up."""

from __future__ import annotations

import json
from types import SimpleNamespace

from metaflow_backends import toolchain
from metaflow_backends.fake import Fake
from metaflow_backends.protocol import Running
from pytest_metaflow_backends.cli import shell
from pytest_metaflow_backends.lifecycle import Active


def test_the_backends_own_clients_are_found_first():
    pause = toolchain.ensure("pause").path
    running = Running(environment={"A": "1"}, details={"programs": ["pause"]})

    found = shell.within(Active(SimpleNamespace(environment={}), running, Fake()), {"PATH": "/bin"})

    assert found["PATH"] == f"{pause.parent}:/bin"
    assert found["A"] == "1"


def test_a_client_that_is_on_path_brings_nothing_else_of_its_folder(tmp_path, monkeypatch):
    """Beside a kubectl in /usr/bin there is a Python that has no Metaflow."""
    tool = toolchain.Tool("kubectl", "1.36.3", tmp_path / "kubectl", "PATH")
    monkeypatch.setattr(toolchain, "find", lambda _name: tool)
    running = Running(details={"programs": ["kubectl"]})

    found = shell.within(Active(SimpleNamespace(environment={}), running, Fake()), {"PATH": "/bin"})

    assert found["PATH"] == "/bin"


def test_shell_runs_a_command_as_flows_of_the_backend_run(project):
    project.matrix("version: 1\nbackends: {local: {kind: local}}\n")
    assert project.cli("up", "local").ret == 0

    shown = project.cli("shell", "local", "--", "sh", "-c", "echo $METAFLOW_HOME; exit 7")
    home = json.loads(project.cli("env", "local", "--json").stdout.str())["METAFLOW_HOME"]
    missing = project.cli("shell", "local", "--", "no-such-program")
    project.cli("down", "local")
    down = project.cli("shell", "local", "--", "true")

    assert shown.ret == 7
    assert shown.outlines == [home]
    assert missing.ret == 4
    missing.stderr.fnmatch_lines(["error: there is no program 'no-such-program' on PATH"])
    assert down.ret == 4
    down.stderr.fnmatch_lines(["*local is not up; start it: mf-backends up local"])
