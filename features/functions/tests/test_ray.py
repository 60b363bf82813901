"""Actors on a real Ray, of this session or of two nodes started beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from metaflow_extensions.functions.capture.environment import Environment
from metaflow_extensions.functions.errors import (
    CallTimeoutError,
    ClosedError,
    EnvironmentMismatchError,
    FunctionError,
    InputError,
    MissingExtraError,
    WorkerDiedError,
)
from metaflow_extensions.functions.ray_backend import runtime_env_of


@pytest.fixture
def acts(shared, opened):
    """A handle of its own, on the cluster that a shared one keeps open."""
    shared("echo", "ray")
    return lambda **options: opened("acts", "ray", **{"num_cpus": 0, **options})


def test_an_actor_that_dies_costs_its_call_and_the_next_one_works(acts):
    function = acts()
    before = function({})["pid"]

    with pytest.raises(WorkerDiedError, match="the actor ended during the call"):
        function({"do": "die"})

    assert function({})["pid"] != before


def test_a_call_that_takes_too_long_is_ended(acts):
    function = acts()

    with pytest.raises(CallTimeoutError, match=r"longer than 0\.3 s"):
        function({"do": "sleep", "seconds": 60}, timeout=0.3)

    assert function({}, timeout=60)["pid"]


def test_records_go_to_all_actors_and_a_bad_one_costs_itself(acts):
    function = acts(workers=2)
    records = [{"do": "sleep", "seconds": 0.05} for _ in range(20)]
    records[3] = {"x": {1}}
    records[5] = {"do": "sleep"}

    rows = function.map(records, batch_size=2, on_error="return")

    assert (type(rows[3].error), type(rows[5].error)) == (InputError, KeyError)
    good = [row for n, row in enumerate(rows) if n not in {3, 5}]
    assert len({row["pid"] for row in good}) == 2


WRONG = {
    "more CPUs than there are": ({"num_cpus": 1000}, "CPU 1000 is wanted, and no node has over"),
    "GPUs": ({"num_gpus": 1000}, "GPU 1000 is wanted, and no node has over"),
    "own resources": ({"resources": {"tpu": 1}}, "tpu 1 is wanted, and no node has over 0"),
    "an unknown option": ({"cpus": 1}, "backend 'ray' has no option 'cpus'"),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_what_would_wait_for_ever_is_refused(acts, options, message):
    with pytest.raises(FunctionError, match=message):
        acts(**options)({})


def test_a_closed_function_says_so(acts):
    function = acts()
    function({})

    function.close()

    with pytest.raises(ClosedError):
        function({})


def test_the_environment_of_the_reference_is_asked_of_ray():
    here = Environment.of({"numpy"})
    lacking = Environment(here.python, {**here.packages, "iniconfig": "2.0.0"})

    assert runtime_env_of(here) == {}
    assert runtime_env_of(lacking) == {"pip": ["iniconfig==2.0.0"]}
    with pytest.raises(EnvironmentMismatchError, match=r"bound with Python 3\.4\.1, and Ray's"):
        runtime_env_of(Environment("3.4.1", {}))


def test_without_ray_the_extra_is_named(bound, monkeypatch):
    from metaflow import function_from_json

    function = function_from_json(bound("echo"), backend="ray")
    monkeypatch.setitem(sys.modules, "ray", None)

    with pytest.raises(MissingExtraError, match=r'pip install "metaflow-open-functions\[ray\]"'):
        function({})


TWO_NODES = """
import sys, time
import ray
from metaflow import function_from_json

for _ in range(600):
    if len([node for node in ray.nodes() if node["Alive"]] if ray.is_initialized() else []) == 2:
        break
    if not ray.is_initialized():
        ray.init(address=sys.argv[2], logging_level="ERROR", log_to_driver=False)
    time.sleep(0.1)
with function_from_json(
    sys.argv[1], backend="ray", workers=2, num_cpus=1, resources={"place": 1}
) as function:
    rows = function.map([{"do": "sleep", "seconds": 0.1}] * 20, batch_size=1)
    print(len({row["pid"] for row in rows}))
"""


@pytest.fixture
def short():
    """A folder whose name leaves room for those of sockets, which may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        yield folder


@pytest.mark.slow
def test_two_nodes_each_run_an_actor(bound, variables, tmp_path, short):
    """Each node has one CPU and one place, so both must be used."""
    program = str(Path(sys.executable).with_name("ray"))
    environment = {**variables, "RAY_TMPDIR": short, "RAY_AUTH_MODE": "disabled"}
    port = 20_000 + os.getpid() % 10_000
    common = [
        "--node-ip-address=127.0.0.1",
        "--num-cpus=1",
        '--resources={"place": 1}',
        "--disable-usage-stats",
    ]
    head = ["start", "--head", f"--port={port}", "--include-dashboard=false", *common, "--block"]
    other = ["start", f"--address=127.0.0.1:{port}", *common, "--block"]
    started = []
    try:
        for argv in (head, other):
            log = (tmp_path / f"{len(started)}.log").open("w")
            started.append(
                subprocess.Popen([program, *argv], env=environment, stdout=log, stderr=log)
            )
            log.close()
            time.sleep(8)
        said = subprocess.check_output(
            [sys.executable, "-c", TWO_NODES, bound("acts"), f"127.0.0.1:{port}"],
            env=environment, text=True, timeout=120,
        )  # fmt: skip
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait(30)

    assert said.split()[-1] == "2"
