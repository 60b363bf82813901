from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from metaflow_backends import local, sandbox
from metaflow_backends.local import Local, numbers
from metaflow_backends.options import OptionError
from metaflow_backends.protocol import Probe, Settings

FLOW = """
from metaflow import FlowSpec, card, current, step
from metaflow.metaflow_config import DEFAULT_METADATA, SERVICE_URL
from metaflow.cards import get_cards

class Tiny(FlowSpec):
    @card
    @step
    def start(self):
        self.settings = [DEFAULT_METADATA, SERVICE_URL]
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Tiny()
"""
READ = """
import json
from metaflow import Flow, namespace
from metaflow.cards import get_cards
namespace(None)
run = Flow("Tiny").latest_run
task = run["start"].task
print(json.dumps({
    "settings": task.data.settings, "successful": run.successful,
    "tags": sorted(run.system_tags & {"user:metaflow-backends"}), "cards": len(get_cards(task)),
}))
"""


def _environ(running) -> dict[str, str]:
    merged = {**os.environ, **running.environment}
    return {name: value for name, value in merged.items() if value is not None}


def _python(running, *args: str) -> str:
    return subprocess.run(
        [sys.executable, *args],
        cwd=running.details["work"],
        env=_environ(running),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout


def test_a_real_flow_runs_untouched_by_the_users_settings(tmp_path, monkeypatch):
    """A profile, a service, default decorators and a project's local settings would all show."""
    project = tmp_path / "project"
    (project / ".metaflow").mkdir(parents=True)
    (project / ".metaflow" / "config.json").write_text('{"METAFLOW_SERVICE_URL": "http://x"}')
    for name in ("PROFILE", "SERVICE_URL", "DEFAULT_DECOSPECS", "DATASTORE_SYSROOT_S3"):
        monkeypatch.setenv(f"METAFLOW_{name}", "of-the-user")
    home = project / "home"
    home.mkdir()
    running = Local().start(Settings(name="local"), home)
    flow = home / "tiny.py"
    flow.write_text(FLOW)

    _python(running, str(flow), "--quiet", "run")
    actual = json.loads(_python(running, "-c", READ))

    expected = {
        "settings": ["local", None],
        "successful": True,
        "tags": ["user:metaflow-backends"],
        "cards": 1,
    }
    assert expected == actual
    assert not (project / ".metaflow" / "Tiny").exists()
    assert Local().health(running).alive


def test_every_metaflow_variable_of_the_caller_is_removed(tmp_path, monkeypatch):
    monkeypatch.setenv("METAFLOW_ANYTHING", "x")
    monkeypatch.setenv("METAFLOW_USER", "somebody")

    actual = sandbox.make(tmp_path)

    assert actual["METAFLOW_ANYTHING"] is None
    assert actual["METAFLOW_USER"] == "metaflow-backends"


def test_two_homes_share_no_folder(tmp_path):
    first, second = (Local().start(Settings(name="local"), tmp_path / name) for name in "ab")

    paths = {
        value
        for running in (first, second)
        for value in running.environment.values()
        if value and value.startswith("/")
    }

    assert len(paths) == 4


def test_all_is_below_the_home(tmp_path):
    before = set(tmp_path.iterdir())

    running = Local().start(Settings(name="local", options={"max_workers": 3}), tmp_path / "home")
    Local().stop(running, tmp_path / "home")

    assert {tmp_path / "home"} == set(tmp_path.iterdir()) - before
    assert running.processes == ()
    assert running.details["max_workers"] == 3
    assert metadata.version("metaflow") == running.versions["metaflow"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"max_worker": 1}, "local: unknown option 'max_worker'; did you mean 'max_workers'?"),
        ({"max_workers": 0}, "local: max_workers is 0, and must be a whole number from 1"),
        ({"max_workers": "2"}, "local: max_workers is '2', and must be a whole number from 1"),
        ({"max_workers": True}, "local: max_workers is True, and must be a whole number from 1"),
    ],
    ids=["unknown", "zero", "text", "bool"],
)
def test_a_wrong_option_is_named(options, reason):
    with pytest.raises(OptionError) as caught:
        Local().probe(Settings(name="local", options=options))

    assert reason == str(caught.value)


def test_the_probe_finds_this_metaflow_without_importing_it():
    script = (
        "import sys; from metaflow_backends.local import Local; "
        "from metaflow_backends.protocol import Settings; "
        "print(Local().probe(Settings(name='local')).available, 'metaflow' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert run.stdout == "True False\n"


def test_the_probe_says_how_to_get_metaflow(monkeypatch):
    monkeypatch.setattr(local, "find_spec", lambda _: None)

    expected = Probe.no(
        "metaflow is not installed in this Python", "pip install 'metaflow>=2.19.38'"
    )

    assert expected == Local().probe(Settings(name="local"))


@pytest.mark.parametrize(
    ("version", "available"),
    [
        ("2.9.40", False),
        ("2.19.37", False),
        ("2.19.38", True),
        ("2.19.38+git1", True),
        ("2.20", True),
        ("10.0", True),
    ],
)
def test_the_probe_refuses_a_metaflow_that_is_too_old(monkeypatch, version, available):
    monkeypatch.setattr(local.metadata, "version", lambda _: version)

    probe = Local().probe(Settings(name="local"))

    assert available == probe.available
    assert available or f"metaflow {version} is older than 2.19.38" == probe.reason


@pytest.mark.parametrize(
    ("version", "expected"), [("2.19.38rc1", (2, 19, 38)), ("2.20", (2, 20)), ("x", ())]
)
def test_the_release_part_of_a_version_is_read(version, expected):
    assert expected == numbers(version)


def test_a_datastore_that_was_deleted_is_no_health(tmp_path):
    running = Local().start(Settings(name="local"), tmp_path / "home")
    (tmp_path / "home").rename(tmp_path / "elsewhere")

    health = Local().health(running)

    assert not health.alive
    assert str(tmp_path / "home") in health.reason


def test_the_distribution_imports_neither_pytest_nor_metaflow():
    script = (
        "import sys, pkgutil, importlib, metaflow_backends as m\n"
        "names = [i.name for i in pkgutil.iter_modules(m.__path__)]\n"
        "for n in names: importlib.import_module(f'metaflow_backends.{n}')\n"
        "print(len(names) > 10, sorted({'pytest', 'metaflow'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert run.stdout == "True []\n"


def test_details_survive_as_json(tmp_path):
    details = dict(Local().start(Settings(name="local"), Path(tmp_path)).details)

    assert details == json.loads(json.dumps(details))
