"""Who gets in where agents and users show certificates to each other."""

from __future__ import annotations

from dataclasses import replace

import pytest
from metaflow_backends.nomad import Api, NomadError, certificates, jobs, manager

pytestmark = [pytest.mark.backends("nomad/tls"), pytest.mark.timeout(120)]


@pytest.fixture
def api(backend):
    return Api.of(backend.environment)


@pytest.fixture
def stranger(tmp_path):
    """Give a user's certificate that another authority has signed."""
    made = certificates.make(tmp_path / "other", ["127.0.0.1"])
    return str(made.user.certificate), str(made.user.key)


@pytest.mark.smoke
def test_without_a_certificate_nothing_is_open(api):
    with pytest.raises(NomadError) as caught:
        replace(api, certificate=None).get("/nodes")

    assert caught.value.status == 0
    assert "certificate required" in caught.value.text.lower().replace("_", " ")


@pytest.mark.smoke
def test_a_certificate_of_another_authority_opens_nothing(api, stranger):
    with pytest.raises(NomadError) as caught:
        replace(api, certificate=stranger).get("/nodes")

    assert caught.value.status == 0
    assert "SSLError" in caught.value.text  # an alert, or just an end: the client may not hear why
    assert api.get("/nodes")  # with its own certificate the same request is answered


@pytest.mark.smoke
def test_plain_http_is_answered_with_a_refusal(api):
    plain = replace(
        api, address=api.address.replace("https://", "http://"), certificate=None, ca=""
    )
    with pytest.raises(NomadError) as caught:
        plain.get("/nodes")

    assert caught.value.status == 400
    assert "HTTP request to an HTTPS server" in caught.value.text


@pytest.mark.smoke
def test_an_agent_is_not_believed_without_its_authority(api, tmp_path):
    other = certificates.make(tmp_path / "other", ["127.0.0.1"])

    with pytest.raises(NomadError) as caught:
        replace(api, ca=str(other.ca)).get("/nodes")

    assert caught.value.status == 0
    assert "certificate verify failed" in caught.value.text.lower()


@pytest.mark.smoke
def test_with_its_certificate_a_step_runs_and_its_log_is_read(api, backend):
    api.register(jobs.batch("tls", jobs.command("raw_exec", ["echo", "done"])))
    allocation = api.ended("tls")

    assert api.log(allocation["ID"], "step", "stdout") == b"done\n"
    manager(backend.running).stop("tls", purge=True)
