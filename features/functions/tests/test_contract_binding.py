"""Binding to runs whose artifacts are on this machine, and to runs that are all in an S3 store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.backends("local", "s3"), pytest.mark.timeout(300)]
FLOWS = Path(__file__).parent / "flows"
BIND = """
from metaflow import Flow, JsonFunction, function_from_json
import scoring

task = Flow("TrainingFlow").latest_run["start"].task
fn = JsonFunction(scoring.predict, task=task, example={"a": 1, "b": 2})
root = fn.reference.rpartition("/references/")[0]
with function_from_json(fn.reference) as loaded:
    print(loaded({"a": 1, "b": 2}))
print(root)
print(fn.export(f"{root}/exported", include_artifacts=True))
"""
LOAD = """
import sys
from metaflow import function_from_json
print(function_from_json(sys.argv[1], backend="local")({"a": 2, "b": 2}))
"""


@pytest.fixture
def program(backend, tmp_path):
    """Run a program as flows on this column are run; gives the lines it says."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("METAFLOW_", "AWS_"))}
    given = {n: v for n, v in backend.running.environment.items() if v is not None}
    base = kept | {"METAFLOW_USER": "tester", "PYTHONPATH": str(FLOWS)} | given

    def run(*argv, cache="cache"):
        done = subprocess.run(
            [sys.executable, *argv], cwd=tmp_path, text=True, capture_output=True, check=False,
            env={**base, "METAFLOW_FUNCTIONS_CACHE": str(tmp_path / cache)}, timeout=200,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    return run


def test_a_function_is_bound_called_exported_and_loaded_from_where_the_run_is(program, backend):
    program(str(FLOWS / "training.py"), "--no-pylint", "run")

    result, root, bundle = program("-c", BIND)
    loaded = program("-c", LOAD, bundle, cache="elsewhere")

    assert result == "{'prediction': 6}"
    assert loaded == ["{'prediction': 8}"]
    assert root.endswith("/mf.functions")
    assert root.startswith("s3://") is (backend.name == "s3")
