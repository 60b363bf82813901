"""What the token that flows get is good for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from metaflow_backends.nomad import Api, NomadError, jobs, manager

pytestmark = [pytest.mark.backends("nomad/acl"), pytest.mark.timeout(120)]


@pytest.fixture
def api(backend):
    return Api.of(backend.environment)


@pytest.mark.smoke
@pytest.mark.parametrize("path", ["/nodes", "/agent/self", "/jobs"])
def test_the_token_of_flows_opens_nothing_else(api, path):
    with pytest.raises(NomadError) as caught:
        api.get(path)

    assert (caught.value.status, caught.value.text) == (403, "Permission denied")


@pytest.mark.smoke
@pytest.mark.parametrize("token", ["", "garbage", "8f1f1f5e-0000-4000-8000-000000000000"])
def test_without_a_valid_token_nothing_is_open(api, token):
    with pytest.raises(NomadError) as caught:
        replace(api, token=token).register(jobs.batch("x", jobs.command("raw_exec", ["true"])))

    assert (caught.value.status, caught.value.text) == (403, "Permission denied")


@pytest.mark.smoke
def test_the_token_of_flows_runs_a_step_and_reads_its_log(api, backend):
    api.register(jobs.batch("acl", jobs.command("raw_exec", ["echo", "done"])))
    allocation = api.ended("acl")

    assert api.log(allocation["ID"], "step", "stdout") == b"done\n"
    manager(backend.running).stop("acl", purge=True)
