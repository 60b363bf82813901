from __future__ import annotations

import pytest
from metaflow_backends.nomad.api import Api, NomadError, frames


def test_frames_of_a_log_are_told_apart():
    expected = [{"Data": "aGk=", "File": "alloc/logs/step.stdout.0"}, {}, {"Data": "IQ=="}]

    actual = frames('{"Data":"aGk=","File":"alloc/logs/step.stdout.0"}{}\n {"Data":"IQ=="}\n')

    assert expected == list(actual)


@pytest.mark.parametrize(
    ("environment", "api"),
    [
        ({}, Api("http://127.0.0.1:4646")),
        ({"NOMAD_ADDR": "http://h:1", "NOMAD_TOKEN": None}, Api("http://h:1")),
        (
            {
                "NOMAD_ADDR": "https://h:1",
                "NOMAD_TOKEN": "t",
                "NOMAD_CACERT": "ca",
                "NOMAD_CLIENT_CERT": "c",
                "NOMAD_CLIENT_KEY": "k",
            },
            Api("https://h:1", token="t", ca="ca", certificate=("c", "k")),
        ),
    ],
    ids=["nothing", "plain", "all"],
)
def test_it_reads_the_variables_that_the_nomad_command_reads(environment, api):
    expected = api

    assert expected == Api.of(environment)


def test_an_agent_that_is_not_there_is_one_line():
    with pytest.raises(NomadError) as caught:
        Api("http://127.0.0.1:9").get("/status/leader")

    assert caught.value.status == 0
    assert str(caught.value).startswith("GET http://127.0.0.1:9/v1/status/leader: no answer: ")
    assert "\n" not in str(caught.value)
