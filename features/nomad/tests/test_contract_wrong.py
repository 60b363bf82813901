"""What is said wrongly is one line with what helps, in less than ten seconds, on a real agent."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.timeout(120), pytest.mark.faults]
HELLO = Path(__file__).parents[1] / "examples/hello.py"
SOON = 10.0  # seconds from the launcher's start to the line that helps


@pytest.fixture
def failed(environment, tmp_path):
    """Run the example with something wrong; gives the lines about its first step."""

    def run(**wrong):
        done = subprocess.run(
            [sys.executable, str(HELLO), "--no-pylint", "run"], cwd=tmp_path,
            env={**environment, **wrong}, capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
        lines = (done.stdout + done.stderr).splitlines()
        assert done.returncode != 0, done.stdout
        assert "Traceback" not in done.stdout + done.stderr
        return [line for line in lines if "/start/" in line]

    return run


def seconds_until(words, lines):
    """Say how long after the launcher's start a line with these words came."""
    begun, *said = lines
    helping = [line for line in said if words in line]
    assert helping, said
    return moment(helping[-1]) - moment(begun)


def moment(line):
    """Read when Metaflow wrote a line."""
    found = re.match(r"(?:\x1b\[[\d;]*m)*(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.(\d{3})", line)
    assert found, line
    return time.mktime(time.strptime(found[1], "%Y-%m-%d %H:%M:%S")) + int(found[2]) / 1000


def nobody_listens():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


WRONG = {
    "address": (
        lambda: {"NOMAD_ADDR": f"http://127.0.0.1:{nobody_listens()}"}, "Connection refused",
    ),
    "name": (lambda: {"NOMAD_ADDR": "http://nomad.invalid:4646"}, "Name or service not known"),
    "no address": (lambda: {"NOMAD_ADDR": "nomad:4646"}, "is no address such as"),
    "namespace": (lambda: {"METAFLOW_NOMAD_NAMESPACE": "nowhere"}, "nonexistent namespace"),
    "region": (lambda: {"METAFLOW_NOMAD_REGION": "nowhere"}, "No path to region"),
    "datacenter": (
        lambda: {"METAFLOW_NOMAD_DATACENTERS": '["nowhere"]'}, "no node is up in these datacenters",
    ),
    "driver": (lambda: {"METAFLOW_NOMAD_DRIVER": "podman"}, "without the driver"),
}  # fmt: skip


SLOW = {"datacenter", "driver"}  # test_contract.py has them without a flow


@pytest.mark.backends("nomad")
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        pytest.param(*case, id=name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name, case in WRONG.items()
    ],
)
def test_a_wrong_setting_is_said_soon(failed, wrong, words):
    assert seconds_until(words, failed(**wrong())) < SOON


@pytest.mark.backends("nomad/acl")
@pytest.mark.parametrize(
    "token", ["", "00000000-0000-0000-0000-000000000000", "nonsense"], ids=["none", "other", "text"]
)
def test_a_wrong_token_is_said_soon(failed, token):
    assert seconds_until("NOMAD_TOKEN", failed(NOMAD_TOKEN=token)) < SOON


TLS = {
    "no authority": ({"NOMAD_CACERT": ""}, "set NOMAD_CACERT"),
    "no certificate": (
        {"NOMAD_CLIENT_CERT": "", "NOMAD_CLIENT_KEY": ""},
        "set NOMAD_CLIENT_CERT and NOMAD_CLIENT_KEY",
    ),
}


@pytest.mark.backends("nomad/tls")
@pytest.mark.parametrize(("wrong", "words"), TLS.values(), ids=TLS)
def test_a_certificate_that_is_lacking_is_said_soon(failed, wrong, words):
    assert seconds_until(words, failed(**wrong)) < SOON
