"""The job of one attempt, as Nomad's API takes it."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from metaflow_extensions.nomad.job.document import document
from metaflow_extensions.nomad.job.hcl import escape
from metaflow_extensions.nomad.job.identity import LONGEST, Attempt
from metaflow_extensions.nomad.spec import Spec

ATTEMPT = Attempt("Train", "17", "start", "1", 0, "s3://bucket/root", "me")
SECOND = 1_000_000_000


def job(**said):
    return document(ATTEMPT, Spec.of(said), ["bash", "-c", "echo ${HOME}"], {"A": "${HOME}"})


def task(**said):
    return job(**said)["TaskGroups"][0]["Tasks"][0]


def test_nomad_neither_restarts_nor_reschedules_nor_replaces():
    group = job()["TaskGroups"][0]

    assert group["RestartPolicy"]["Attempts"] == 0
    assert group["RestartPolicy"]["Mode"] == "fail"
    assert group["ReschedulePolicy"] == {"Attempts": 0, "Unlimited": False}
    assert group["Disconnect"] == {"Replace": False, "LostAfter": 3600 * SECOND}


def test_words_of_the_command_are_escaped_and_variables_are_not():
    assert task()["Config"]["entrypoint"] == ["bash"]
    assert task()["Config"]["args"] == ["-c", "echo $${HOME}"]
    assert task()["Env"] == {"A": "${HOME}"}


def test_what_is_not_said_is_left_to_nomad():
    assert not {"NodePool", "Region", "Namespace", "Priority"} & set(job())
    assert job()["Datacenters"] == ["*"]


def test_where_it_runs_is_said():
    said = {"node_pool": "gpu", "region": "eu", "namespace": "ml", "priority": 80}

    found = job(**said, datacenters="a,b", constraints="${attr.cpu.arch} = arm64")

    assert (found["NodePool"], found["Region"], found["Namespace"]) == ("gpu", "eu", "ml")
    assert (found["Priority"], found["Datacenters"]) == (80, ["a", "b"])
    assert found["Constraints"] == [
        {"LTarget": "${attr.cpu.arch}", "Operand": "=", "RTarget": "arm64"}
    ]


def test_resources_are_asked_for():
    found = task(cores=2, memory=512, memory_max=1024, gpu=1, device_constraints="a = b")

    assert found["Resources"] == {
        "MemoryMB": 512,
        "Cores": 2,
        "MemoryMaxMB": 1024,
        "Devices": [
            {
                "Name": "nvidia/gpu",
                "Count": 1,
                "Constraints": [{"LTarget": "a", "Operand": "=", "RTarget": "b"}],
            }
        ],
    }


def test_docker_gets_image_network_ports_and_shared_memory():
    found = task(image="x:1", network_mode="host", ports={"http": 80}, shared_memory=64)["Config"]

    assert (found["image"], found["network_mode"], found["ports"]) == ("x:1", "host", ["http"])
    assert found["shm_size"] == 64 << 20


def test_exec_gets_nothing_of_docker():
    found = task(driver="exec", network_mode="host", user="nobody")

    assert set(found["Config"]) == {"command", "args"}
    assert found["User"] == "nobody"


def test_volumes_are_requested_and_mounted():
    found = job(volumes=["data:/data:ro", "csi:big:/big"])["TaskGroups"][0]

    assert found["Volumes"]["volume-0"] == {"Type": "host", "Source": "data", "ReadOnly": True}
    assert found["Volumes"]["volume-1"]["AccessMode"] == "multi-node-multi-writer"
    assert [mount["Destination"] for mount in found["Tasks"][0]["VolumeMounts"]] == [
        "/data",
        "/big",
    ]


def test_only_a_secret_of_vault_asks_for_vault():
    assert "Vault" not in task(secrets="nomad/jobs")
    assert task(secrets=["nomad/jobs", "vault:secret/data/x"])["Vault"] == {}


def test_one_attempt_has_one_name_and_another_attempt_another():
    same = Attempt("Train", "17", "start", "1", 0, "s3://bucket/root", "somebody else")
    others = [
        Attempt("Train", "17", "start", "1", 1, "s3://bucket/root"),
        Attempt("Train", "17", "start", "2", 0, "s3://bucket/root"),
        Attempt("Train", "17", "start", "1", 0, "s3://bucket/elsewhere"),
    ]

    assert ATTEMPT.job == same.job
    assert len({ATTEMPT.job, *(one.job for one in others)}) == 4


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_name_makes_an_id_that_nomad_takes(flow, run):
    name = Attempt(flow, run, "s", "1", 0, "s3://b").job

    assert re.fullmatch(r"[A-Za-z0-9_-]+", name)
    assert len(name) <= LONGEST


@given(st.text())
def test_an_escaped_text_holds_no_template(text):
    left = escape(text).replace("$${", "").replace("%%{", "")

    assert "${" not in left
    assert "%{" not in left
