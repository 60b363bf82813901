"""`@nomad` in a flow: what it merges, hands on and refuses. No server is asked for anything."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from metaflow import metaflow_config as config
from metaflow_extensions.nomad import leftover
from metaflow_extensions.nomad.decorator import NomadDecorator, merged
from metaflow_extensions.nomad.errors import SpecError
from metaflow_extensions.nomad.job.identity import Attempt
from metaflow_extensions.nomad.spec import NAMES, Spec


def decorator(**said):
    made = NomadDecorator(attributes=said)
    made.external_init()
    return made


def other(name, **attributes):
    return SimpleNamespace(name=name, attributes=attributes)


def step(*, parallel=False):
    return {"start": SimpleNamespace(parallel_foreach=parallel, parallel_step=False)}


def begun(made, *others, datastore="s3", parallel=False):
    store = SimpleNamespace(TYPE=datastore, datastore_root="s3://b/r")
    made.step_init(None, step(parallel=parallel), "start", [made, *others], None, store, None)
    made.runtime_init(SimpleNamespace(name="F"), None, None, "1")
    return made


def cli_args():
    options = {"run-id": "1", "task-id": "2"}
    return SimpleNamespace(
        commands=["step"], command_args=[], command_options=options, entrypoint=["p"]
    )


def test_the_decorator_and_the_spec_know_the_same_attributes():
    assert set(NomadDecorator.defaults) == set(NAMES)


def test_docker_with_the_launchers_python_is_what_nothing_means():
    version = f"{sys.version_info.major}.{sys.version_info.minor}"

    assert decorator().attributes["image"] == f"python:{version}"


def test_a_driver_without_images_needs_none(monkeypatch):
    monkeypatch.setattr(config, "NOMAD_IMAGE", "x:1")

    assert decorator(driver="exec").attributes["image"] is None
    assert decorator().attributes["image"] == "x:1"


def test_settings_are_taken_where_the_flow_says_nothing(monkeypatch):
    monkeypatch.setattr(config, "NOMAD_MEMORY", "512")
    monkeypatch.setattr(config, "NOMAD_SECRETS", '["nomad/jobs"]')

    found = Spec.of(decorator().attributes)

    assert found.memory == 512
    assert [secret.path for secret in found.secrets] == ["secrets/nomad-jobs.env"]
    assert Spec.of(decorator(memory=100).attributes).memory == 100


def test_every_attribute_has_a_setting():
    assert [name for name in NAMES if not hasattr(config, f"NOMAD_{name.upper()}")] == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("CONSTRAINTS", '["${attr.cpu.arch} = amd64"]', 1),
        ("VOLUMES", "data:/data:ro", 1),
        ("DATACENTERS", "a,b", 2),
        ("PORTS", '{"http": 80, "any": 0}', 2),
        ("DATACENTERS", ["a", "b"], 2),  # of a configuration file, which is JSON itself
    ],
)
def test_lists_and_objects_can_be_set(monkeypatch, name, value, found):
    monkeypatch.setattr(config, f"NOMAD_{name}", value)

    assert len(getattr(Spec.of(decorator().attributes), name.lower())) == found


def test_settings_that_are_no_json_are_named(monkeypatch):
    monkeypatch.setattr(config, "NOMAD_ENV", "{broken")

    with pytest.raises(SpecError, match="METAFLOW_NOMAD_ENV is no JSON"):
        decorator()


MERGED = {
    "the larger": ({"memory": 100}, {"memory": 200}, {"memory": 200}),
    "ours is larger": ({"memory": 300}, {"memory": "200"}, {"memory": 300}),
    "cpus are megahertz": ({}, {"cpu": 2}, {"cpu": 2000}),
    "half a cpu": ({"cpu": 100}, {"cpu": 0.5}, {"cpu": 500}),
    "cores": ({"cores": 1}, {"cpu": 1.5}, {"cores": 2}),
    "gpus": ({}, {"gpu": 1}, {"gpu": 1}),
    "nothing": ({"memory": 100}, {"memory": None}, {}),
}


@pytest.mark.parametrize(("ours", "theirs", "expected"), MERGED.values(), ids=MERGED)
def test_of_resources_the_larger_counts(ours, theirs, expected):
    attributes = {**NomadDecorator.defaults, **ours}

    assert merged(attributes, theirs) == expected


def test_an_attempt_is_handed_to_the_trampoline():
    made = begun(decorator(memory=100), other("timeout", seconds=70, minutes=0, hours=0))
    made.limit = 70
    args = cli_args()

    made.runtime_step_cli(args, 0, 1, None)

    assert args.commands == ["nomad", "step"]
    assert Spec.from_json(args.command_options["spec"]).memory == 100
    assert args.command_options["limit"] == "70"
    assert args.entrypoint[-1] == sys.executable


@pytest.fixture
def stopped(monkeypatch):
    found = []

    def stop(jobs):
        found.append(jobs)
        return ["cannot"]

    monkeypatch.setattr(leftover, "stop", stop)
    monkeypatch.setattr(NomadDecorator, "begun", {})
    return found


def test_a_run_that_failed_stops_its_jobs_once(stopped):
    made, said = begun(decorator(namespace="ml")), []
    made.logger = lambda text, **_: said.append(text)
    made.runtime_step_cli(cli_args(), 0, 1, None)

    made.runtime_finished(RuntimeError())
    made.runtime_finished(RuntimeError())

    job = Attempt("F", "1", "start", "2", 0, "s3://b/r").job
    assert stopped == [{job: ("ml", None)}]
    assert said == ["cannot"]


def test_a_run_that_succeeded_stops_nothing(stopped):
    made = begun(decorator())
    made.runtime_step_cli(cli_args(), 0, 1, None)

    made.runtime_finished(None)

    assert stopped == []


def test_what_catch_does_in_the_end_runs_here():
    args = cli_args()

    begun(decorator()).runtime_step_cli(args, 2, 1, None)

    assert args.commands == ["step"]


def through_with(made):
    _, _, text = made.make_decorator_spec().partition(":")
    _, said = NomadDecorator.extract_args_kwargs_from_decorator_spec(text)
    return said


def test_attributes_survive_the_way_through_with():
    made = decorator(
        memory=100,
        secrets=["nomad/jobs"],
        constraints=[{"attribute": "${attr.cpu.arch}", "value": "amd64"}],
        ports={"http": 80},
    )

    assert Spec.of(through_with(made)) == Spec.of(made.attributes)


@given(st.text())
@example("b, c=d")
@example('say "no", x=\\"')
def test_any_text_survives_the_way_through_with(text):
    made = decorator(env={"A": text}, image="x" + text.replace("\0", ""))

    assert through_with(made)["env"] == {"A": text}
    assert through_with(made)["image"] == made.attributes["image"]


@pytest.mark.parametrize(
    ("others", "datastore", "parallel", "said"),
    [
        ([other("kubernetes")], "s3", False, "either @nomad or @kubernetes"),
        ([], "local", False, "needs a datastore that its nodes reach"),
        ([], "s3", True, "cannot run a @parallel step"),
    ],
)
def test_what_cannot_work_is_refused_before_it_begins(others, datastore, parallel, said):
    with pytest.raises(SpecError, match=said):
        begun(decorator(), *others, datastore=datastore, parallel=parallel)


def test_a_mistake_is_found_before_the_run_begins():
    with pytest.raises(SpecError, match="did you mean memory"):
        begun(decorator(), other("x")).attributes | Spec.of({"memroy": 1}).__dict__


FLOW = """
from metaflow import FlowSpec, nomad, step

class MadeFlow(FlowSpec):
    @nomad(memory=100)
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    MadeFlow()
"""


@pytest.fixture
def flow(tmp_path):
    (tmp_path / "made.py").write_text(textwrap.dedent(FLOW))
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("METAFLOW_", "NOMAD_"))}
    env = {**kept, "METAFLOW_HOME": str(tmp_path), "METAFLOW_USER": "me"}

    def run(*argv, **more):
        return subprocess.run(
            [sys.executable, "made.py", "--no-pylint", *argv],
            cwd=tmp_path, env={**env, **more}, capture_output=True, text=True, timeout=120,
            check=False,
        )  # fmt: skip

    return run


def test_a_flow_on_a_local_datastore_is_told_what_it_needs(flow):
    done = flow("run")

    assert done.returncode == 1
    assert "@nomad needs a datastore that its nodes reach (s3, azure, gs), not local" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_command_of_a_flow_lists_nomad_and_its_help(flow):
    done = flow("nomad", "--help", METAFLOW_DEFAULT_DATASTORE="s3",
                METAFLOW_DATASTORE_SYSROOT_S3="s3://b/r")  # fmt: skip

    assert done.returncode == 0
    assert "Commands related to Nomad" in done.stdout
    assert "step" in done.stdout


@pytest.mark.parametrize("scheduler", ["argo-workflows", "step-functions"])
def test_a_scheduler_that_knows_no_nomad_is_refused(flow, scheduler):
    done = flow(scheduler, "create", METAFLOW_DEFAULT_DATASTORE="s3",
                METAFLOW_DATASTORE_SYSROOT_S3="s3://b/r")  # fmt: skip

    assert done.returncode == 1
    assert f"step start has @nomad, and {scheduler} cannot run it there" in done.stderr


def test_spin_is_refused():
    assert "nomad" in config.SPIN_DISALLOWED_DECORATORS
    assert "parallel" in config.SPIN_DISALLOWED_DECORATORS


def test_a_spec_is_json_that_a_shell_may_see():
    made = decorator(env={"A": "x"})
    args = cli_args()
    begun(made).runtime_step_cli(args, 0, 0, None)

    assert json.loads(args.command_options["spec"])["env"] == {"A": "x"}


def test_a_setting_does_not_come_between_what_the_flow_says(monkeypatch):
    monkeypatch.setattr(config, "NOMAD_CPU", "500")
    monkeypatch.setattr(config, "NOMAD_MEMORY_MAX", "512")

    found = Spec.of(decorator(cores=2, memory=1024).attributes)

    assert (found.cpu, found.cores, found.memory_max) == (None, 2, None)
