"""What @nomad takes, in Python, as `--with` says it, and from JSON."""

from __future__ import annotations

import json

import pytest
from metaflow_extensions.nomad.errors import SpecError
from metaflow_extensions.nomad.placing import Affinity, Constraint, Spread
from metaflow_extensions.nomad.spec import Spec
from metaflow_extensions.nomad.storing import Secret, Volume

LINUX = Constraint("${attr.kernel.name}", "=", "linux")
READ = {
    "nothing": ({}, Spec()),
    "none is not said": ({"cpu": None, "image": None}, Spec()),
    "numbers as text": ({"cpu": "500", "memory": "1024.0"}, Spec(cpu=500, memory=1024)),
    "cores in place of cpu": ({"cores": 2}, Spec(cpu=None, cores=2)),
    "durations": (
        {"queue_timeout": "5m", "kill_timeout": 30},
        Spec(queue_timeout=300.0, kill_timeout=30.0),
    ),
    "names with commas": ({"datacenters": "a, b"}, Spec(datacenters=("a", "b"))),
    "names in a list": ({"datacenters": ["a"]}, Spec(datacenters=("a",))),
    "a constraint as text": (
        {"constraints": "${attr.kernel.name} = linux"},
        Spec(constraints=(LINUX,)),
    ),
    "constraints in a list": (
        {
            "constraints": [
                {"attribute": "${attr.kernel.name}", "value": "linux"},
                "${node.class} set_contains_any a,b",
                "${meta.x} is_set",
            ]
        },
        Spec(
            constraints=(
                LINUX,
                Constraint("${node.class}", "set_contains_any", "a,b"),
                Constraint("${meta.x}", "is_set", ""),
            )
        ),
    ),
    "affinity": (
        {"affinities": [{"attribute": "${attr.kernel.name}", "value": "linux", "weight": -20}]},
        Spec(affinities=(Affinity(LINUX, -20),)),
    ),
    "spreads": (
        {"spreads": ["${node.datacenter}", {"attribute": "r", "targets": {"a": 70}}]},
        Spec(spreads=(Spread("${node.datacenter}"), Spread("r", targets=(("a", 70),)))),
    ),
    "volumes": (
        {"volumes": ["data:/data", "csi:big:/big:ro"]},
        Spec(volumes=(Volume("data", "/data"), Volume("big", "/big", "csi", read_only=True))),
    ),
    "ports": ({"ports": {"http": 8080, "any": 0}}, Spec(ports=(("http", 8080), ("any", 0)))),
    "texts": (
        {"env": {"A": 1}, "meta": {"team": "x"}},
        Spec(env=(("A", "1"),), meta=(("team", "x"),)),
    ),
    "gpu": (
        {"gpu": "2", "device": "nvidia/gpu/H100", "device_constraints": "${device.model} regexp H"},
        Spec(
            gpu=2,
            device="nvidia/gpu/H100",
            device_constraints=(Constraint("${device.model}", "regexp", "H"),),
        ),
    ),
}


@pytest.mark.parametrize(("given", "expected"), READ.values(), ids=READ)
def test_attributes_are_read(given, expected):
    assert Spec.of(given) == expected


@pytest.mark.parametrize("given", [given for given, _ in READ.values()], ids=READ)
def test_json_says_the_same(given):
    assert Spec.from_json(json.dumps(given)) == Spec.of(given)


REFUSED = {
    "an unknown name": ({"memroy": 1}, "'memroy'; did you mean memory?"),
    "an unknown driver": ({"driver": "lxc"}, "driver 'lxc' is none of docker"),
    "an image where none is run": ({"driver": "exec", "image": "x"}, "exec runs no image"),
    "both": ({"cpu": 1, "cores": 1}, "not both"),
    "no number": ({"memory": "much"}, "memory='much' is no whole number"),
    "not whole": ({"cores": 1.5}, "cores=1.5 is no whole number"),
    "negative": ({"gpu": -1}, "gpu=-1"),
    "nothing at all": ({"memory": 0}, "more than 0"),
    "a flag": ({"memory": True}, "memory=True"),
    "infinite": ({"memory": float("inf")}, "memory=inf"),
    "too small a disk": ({"disk": 100}, "100 MB of logs"),
    "a maximum below": ({"memory": 500, "memory_max": 400}, "memory_max=400 is below memory=500"),
    "a priority beyond": ({"priority": 101}, "within 1 and 100"),
    "no time": ({"queue_timeout": "soon"}, "queue_timeout='soon' is no time"),
    "a negative time": ({"kill_timeout": -1}, "is no time"),
    "no list": ({"datacenters": 3}, "datacenters=3 is no list"),
    "no dict": ({"env": ["A=1"]}, "is no dict"),
    "no constraint": ({"constraints": "linux"}, "not of the form"),
    "no operator": ({"constraints": {"attribute": "a", "operator": "~"}}, "no operator of Nomad"),
    "an unknown field": ({"constraints": {"attribute": "a", "x": 1}}, "not of the form"),
    "too heavy": ({"affinities": {"attribute": "a", "weight": 101}}, "weight 101"),
    "no volume": ({"volumes": "data"}, "not of the form"),
    "a relative volume": ({"volumes": "data:data"}, "path begins with /"),
    "a template elsewhere": (
        {"secrets": {"template": "x", "path": "../x"}},
        "not within the task's folder",
    ),
    "an empty name": ({"namespace": " "}, "namespace=' ' is no text"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused_in_one_line(given, said):
    with pytest.raises(SpecError) as error:
        Spec.of(given)

    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_variable_stands_in_the_job_by_its_path_alone():
    secret = Secret.of("secrets", "nomad/jobs")

    assert secret.path == "secrets/nomad-jobs.env"
    assert secret.template.startswith('{{ with nomadVar "nomad/jobs" }}')
    assert secret.body()["Envvars"] is True


def test_a_secret_of_vault_asks_for_vault():
    secret = Secret.of("secrets", "vault:secret/data/x")

    assert (secret.vault, secret.path) == (True, "secrets/secret-data-x.env")
    assert '{{ with secret "secret/data/x" }}' in secret.template


def test_a_template_with_a_path_is_a_file():
    secret = Secret.of("secrets", {"template": "{{ key }}", "path": "secrets/own"})

    assert (secret.env, secret.body()["Perms"]) == (False, "0400")
