from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

HERE = Path(__file__).parent
FLOWS = HERE / "flows"
OF_RAY = "FUNCTIONS_TESTS_OF_RAY"  # set in the process that runs these
OF_UNITS = ((), ("slow",), ("faults",))  # marks that tests without a backend have


def pytest_ignore_collect(collection_path, config):
    """Leave units alone where tests of a backend are asked for: none of them would be chosen.

    They import Metaflow, which reads its settings once, before those of a backend are known.
    """
    expression = config.option.markexpr
    if not expression or collection_path.suffix != ".py" or _on_backends(collection_path):
        return None
    chosen = Expression.compile(expression).evaluate
    return not any(chosen(lambda name, **_: name in marks) for marks in OF_UNITS) or None  # noqa: B023


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leave tests of Ray to a process of their own, which test_ray_apart.py starts.

    Ray takes signals of its process over, and ends children of it that it has not started.
    """
    apart = OF_RAY in os.environ
    left = [item for item in items if HERE in item.path.parents and _of_ray(item) != apart]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item not in left]


def _of_ray(item):
    values = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return item.path.name == "test_ray.py" or "ray" in values


def pytest_pycollect_makemodule(module_path):
    """Let Metaflow load the extension before a module of units imports from it."""
    if not _on_backends(module_path):
        import metaflow  # noqa: F401


def _on_backends(path):
    return path.name.startswith(("test_contract", "conftest"))


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """A folder with the datastore of this session's runs, and a cache of its own."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def variables(home):
    """What flows and programs of the tests are given."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith("METAFLOW_")}
    return kept | {
        "METAFLOW_USER": "tester",
        "METAFLOW_HOME": str(home / "settings"),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home),
        "METAFLOW_FUNCTIONS_CACHE": str(home / "cache"),
    }


@pytest.fixture(scope="session")
def run_flow(variables, home):
    """Run a flow of the tests as `python flow.py run` does; gives its exit code and output."""

    def run(name, folder=FLOWS):
        argv = [sys.executable, str(Path(folder) / name), "--no-pylint", "run"]
        done = subprocess.run(
            argv, cwd=home, env=variables, text=True, capture_output=True, timeout=120, check=False
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture(scope="session")
def _trained(run_flow):
    code, said = run_flow("training.py")
    assert code == 0, said


@pytest.fixture
def client(home, variables, monkeypatch):
    """Point Metaflow's Client, in this process, at the datastore of the session."""
    import metaflow

    for name, value in variables.items():
        if name.startswith("METAFLOW_"):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("USERNAME", "tester")  # METAFLOW_USER is read once, at import
    monkeypatch.syspath_prepend(str(FLOWS))
    from metaflow.plugins.datastores.local_storage import LocalStorage
    from metaflow.plugins.metadata_providers.local import LocalMetadataProvider

    monkeypatch.setattr(LocalStorage, "datastore_root", LocalStorage.datastore_root)
    monkeypatch.setattr(LocalMetadataProvider, "_INFO", LocalMetadataProvider.INFO)
    namespace = metaflow.get_namespace()
    metaflow.metadata(f"local@{home}")
    metaflow.namespace("user:tester")
    yield metaflow
    metaflow.namespace(namespace)


@pytest.fixture
def task(client, _trained):
    """A finished task with a model."""
    return client.Flow("TrainingFlow").latest_run["start"].task


@pytest.fixture
def scoring(client):  # noqa: ARG001 - it makes the module importable
    return importlib.import_module("scoring")


@pytest.fixture
def bound(task, scoring):
    """Bind a function of `scoring` by name; gives its reference."""
    from metaflow import JsonFunction

    def bind(name, **options):
        return JsonFunction(getattr(scoring, name), task=task, **options).reference

    return bind


@pytest.fixture
def opened(bound):
    """Bind and load a function; it is closed at the end."""
    from metaflow import function_from_json

    handles = []

    def load(name, backend="process", **options):
        handles.append(function_from_json(bound(name), backend=backend, **options))
        return handles[-1]

    yield load
    for handle in handles:
        handle.close()


@pytest.fixture(scope="session")
def _shared():
    """Handles by name and backend, which cost half a second each to start."""
    handles = {}
    yield handles
    for handle in handles.values():
        handle.close()


@pytest.fixture
def shared(bound, _shared):
    """Give a handle that other tests use too; it is not to be harmed."""
    from metaflow import function_from_json

    def give(name, backend):
        if (name, backend) not in _shared:
            options = {"num_cpus": 0} if backend == "ray" else {}  # more handles than cores
            _shared[name, backend] = function_from_json(bound(name), backend, **options)
        return _shared[name, backend]

    return give


@pytest.fixture
def eventually():
    """Wait until something holds."""

    def wait(holds, seconds=10.0):
        until = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < until, "it never came to be"
            time.sleep(0.01)

    return wait
