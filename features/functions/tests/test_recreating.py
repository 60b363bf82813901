"""Environments: this interpreter where it fits, or a new one, and never another Python."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from metaflow_extensions.functions import recreating
from metaflow_extensions.functions.capture.environment import Environment
from metaflow_extensions.functions.errors import EnvironmentMismatchError
from metaflow_extensions.functions.loading import read_reference

HERE = platform.python_version()
TINY = {"iniconfig": "2.0.0"}  # one file, no dependencies, and not the version that pytest uses


def test_an_environment_that_is_here_is_used_as_it_is():
    captured = Environment.of({"numpy"})

    assert captured.differences() == []
    assert recreating.interpreter_for(captured).python == sys.executable


def test_differences_are_named():
    import orjson

    captured = Environment("2.7.18", {"orjson": "0.1", "no-such-thing": "1"})

    assert captured.differences() == [
        f"Python 2.7 is wanted, this is {HERE}",
        "no-such-thing 1 is wanted, none is here",
        f"orjson 0.1 is wanted, {orjson.__version__} is here",
    ]


def test_another_python_is_refused_in_one_line_and_never_substituted():
    with pytest.raises(EnvironmentMismatchError) as raised:
        recreating.interpreter_for(Environment("3.4.10", {}))

    assert str(raised.value) == (
        f"the function was bound with Python 3.4, and there is none here (this is "
        f"{sys.version_info.major}.{sys.version_info.minor}): install python3.4 so that it is on "
        "PATH; another version is never taken in its place"
    )


def version_in(interpreter, package):
    code = f"from importlib.metadata import version; print(version({package!r}))"
    said = subprocess.check_output([interpreter.python, "-c", code], text=True)
    return said.strip()


@pytest.fixture(params=["uv", "pip"])
def installer(request, monkeypatch, tmp_path):
    monkeypatch.setenv("METAFLOW_FUNCTIONS_CACHE", str(tmp_path))
    if request.param == "pip":
        monkeypatch.setattr(recreating, "_uv", list)
    return request.param


@pytest.mark.usefixtures("installer")
def test_an_environment_that_differs_is_made_once_with_exactly_its_packages():
    captured = Environment(HERE, TINY)

    made = recreating.interpreter_for(captured)
    again = recreating.interpreter_for(captured)

    assert made == again
    assert made.python != sys.executable
    assert version_in(made, "iniconfig") == "2.0.0"
    names = subprocess.check_output(
        [made.python, "-c", "import importlib.util as u; print(u.find_spec('pytest'))"], text=True
    )
    assert names == "None\n"


def test_one_that_was_cut_off_is_made_anew(monkeypatch, tmp_path):
    monkeypatch.setenv("METAFLOW_FUNCTIONS_CACHE", str(tmp_path))
    captured = Environment(HERE, TINY)
    made = Path(recreating.interpreter_for(captured).python)
    (made.parents[1] / recreating.WHOLE).unlink()
    made.unlink()

    assert version_in(recreating.interpreter_for(captured), "iniconfig") == "2.0.0"


def test_what_cannot_be_installed_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("METAFLOW_FUNCTIONS_CACHE", str(tmp_path))
    with pytest.raises(EnvironmentMismatchError, match="cannot be installed: ") as raised:
        recreating.interpreter_for(Environment(HERE, {"iniconfig": "99999.0"}))

    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("task")
def test_a_function_runs_in_the_environment_it_was_bound_with(tmp_path, monkeypatch, client):
    """A package of another version than here: workers have the one that was captured."""
    from metaflow import JsonFunction, function_from_json

    (tmp_path / "versions.py").write_text(
        "from importlib.metadata import version\nfrom metaflow import json_function\n"
        "@json_function\ndef of(name: str) -> str:\n    return version(name)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import versions  # type: ignore[import-not-found]

    task = client.Flow("TrainingFlow").latest_run["start"].task
    bundle = Path(
        JsonFunction(versions.of, task=task, requirements=["iniconfig"]).export(tmp_path / "b")
    )
    reference, _ = read_reference(str(bundle))
    packages = {**reference.environment.packages, **TINY}
    moved = replace(reference, environment=replace(reference.environment, packages=packages))
    bundle.write_bytes(moved.write())

    with function_from_json(bundle) as function:
        assert function("iniconfig") == "2.0.0"
        assert function("metaflow") == packages["metaflow"]


def test_the_reference_holds_versions_only(bound):
    said = json.loads(Path(bound("echo")).read_text())

    assert all(isinstance(v, str) for v in said["environment"]["packages"].values())
    assert "metaflow-open-functions" not in said["environment"]["packages"]
