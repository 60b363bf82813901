from __future__ import annotations

import pytest
from metaflow_backends.nomad import jobs


def test_nomad_never_tries_a_step_again():
    (group,) = jobs.batch("a", {"Driver": "raw_exec"})["TaskGroups"]

    assert group["RestartPolicy"]["Attempts"] == 0
    assert group["RestartPolicy"]["Mode"] == "fail"
    assert group["ReschedulePolicy"] == {"Attempts": 0, "Unlimited": False}


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain", "plain"),
        ("${HOME}", "$${HOME}"),
        ("%{if}", "%%{if}"),
        ("$HOME %s $ % { }", "$HOME %s $ % { }"),
        ("$${x}", "$$${x}"),
        ("${A:+${B}}", "$${A:+$${B}}"),
    ],
)
def test_what_hcl_would_replace_is_protected(text, escaped):
    expected = escaped

    assert expected == jobs.escape(text)


def test_every_word_of_a_command_is_protected():
    expected = {
        "Driver": "docker",
        "Config": {"command": "sh", "args": ["-c", "$${X}"], "image": "i:1"},
    }

    assert expected == jobs.command("docker", ["sh", "-c", "${X}"], image="i:1")


def test_a_job_that_reads_a_variable_holds_its_path_alone():
    (template,) = jobs.with_variable("nomad/jobs")["Templates"]

    assert 'nomadVar "nomad/jobs"' in template["EmbeddedTmpl"]
    assert template["DestPath"].startswith("secrets/")
    assert template["Envvars"] is True
    assert template["ErrMissingKey"] is True
