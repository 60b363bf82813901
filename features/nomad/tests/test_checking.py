"""`metaflow nomad check`: each thing is tried, and what helps is said."""

from __future__ import annotations

import os
import subprocess
import time

import pytest
from metaflow_extensions.nomad import checking
from metaflow_extensions.nomad.checking import Finding, Listener
from metaflow_extensions.nomad.errors import UnreachableError
from metaflow_extensions.nomad.job.trial import trial
from metaflow_extensions.nomad.watch.ending import Cause, Ending

PASSED = [b"nomad-check passed tar", b"nomad-check passed datastore"]
DONE = Ending(Cause.DONE, "Task finished with exit code 0.", 0)


class Cluster:
    """Stands where the client is."""

    end, lines, down = DONE, PASSED, ""

    def __init__(self, *_):
        self.session = self.connection = self
        self.address = "http://x:1"

    @classmethod
    def here(cls, _patience) -> Cluster:
        return cls()

    def leader(self):
        if self.down:
            raise UnreachableError(self.down)
        return "10.0.0.1:4647"


class Launched:
    def __init__(self, client, job, spec, screen, limit, queue):
        self.client, self.screen, self.job = client, screen, job

    def run(self):
        for line in self.client.lines:
            self.screen.line("stdout", line, "a")
        return self.client.end

    def stop(self):
        pass


@pytest.fixture
def checked(monkeypatch):
    from metaflow import metaflow_config

    def run(driver="docker", image="x:1", launch=Launched, timeout=10, **cluster):
        monkeypatch.setattr(checking, "Client", type("Now", (Cluster,), cluster))
        monkeypatch.setattr(checking, "Launch", launch)
        monkeypatch.setattr(metaflow_config, "DEFAULT_DATASTORE", "s3")
        return list(checking.run(driver, image, timeout))

    return run


def failed(findings):
    return [(one.what, one.text) for one in findings if not one.passed]


def test_all_is_well(checked):
    findings = checked()

    assert failed(findings) == []
    assert [one.what for one in findings] == [
        "server", "settings", "datastore", "job", "in the job: tar", "in the job: datastore",
    ]  # fmt: skip
    assert findings[1].line() == "pass  settings: driver docker, image x:1"


def test_a_server_that_does_not_answer_ends_it(checked):
    assert failed(checked(down="http://x:1: Connection refused")) == [
        ("server", "http://x:1: Connection refused")
    ]


def test_a_setting_that_cannot_be_ends_it(checked):
    ((what, text),) = failed(checked(driver="lxc"))

    assert what == "settings"
    assert "'lxc' is none of docker" in text


def test_a_job_without_a_place_says_why(checked):
    end = Ending(Cause.QUEUE, "no place: 1 node without the driver (after 5 s)", retry=False)

    found = failed(checked(end=end, lines=[]))

    assert found[0][0] == "job"
    assert found[0][1].endswith("no place: 1 node without the driver (after 5 s)")


def test_a_job_that_takes_too_long_says_what_it_was_last_seen_at(checked):
    class Slow(Launched):
        stopped = False

        def run(self):
            self.screen.say("Task is starting on node-a: Downloading image")
            while not self.stopped:
                time.sleep(0.01)
            return Ending(Cause.STOPPED, "the job was stopped by somebody ()")

        def stop(self):
            Slow.stopped = True

    found = failed(checked(launch=Slow, timeout=0.1))

    assert found == [
        ("job", "has not ended within 0.1 s: Task is starting on node-a: Downloading image")
    ]


def test_what_fails_in_the_job_is_named(checked):
    lines = [*PASSED, b"nomad-check failed date-Ins GNU date is needed"]

    assert failed(checked(lines=lines)) == [("in the job: date-Ins", "GNU date is needed")]


def test_a_job_without_a_word_is_no_success(checked):
    assert failed(checked(lines=[])) == [
        ("in the job", "no output came back; the token needs read-logs")
    ]


def test_a_store_that_was_not_tried_is_no_success(checked):
    assert failed(checked(lines=PASSED[:1]))[0][0] == "in the job: datastore"


def test_other_lines_are_not_findings():
    listener = Listener()
    listener.line("stdout", b"nomad-checks are fun", "a")
    listener.line("stderr", b"oh \xff", "a")

    assert listener.findings == []
    assert listener.errors == ["oh \ufffd"]


def test_the_script_tries_what_there_is(tmp_path):
    (tmp_path / "python").write_text("#!/bin/bash\nexit 1\n")
    (tmp_path / "python").chmod(0o755)

    done = subprocess.run(
        trial("azure", None), env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    said = done.stdout.splitlines()
    assert "nomad-check passed tar" in said
    assert "nomad-check passed date-Ins" in said
    assert "nomad-check failed pip python -m pip does not work" in said


def test_a_finding_is_one_line():
    assert Finding("a", passed=False, text="b").line() == "FAIL  a: b"
    assert Finding("a", passed=True).line() == "pass  a"
