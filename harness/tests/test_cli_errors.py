"""What a person gets wrong at the command line is one line and exit code 4, and changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from pytest_metaflow_backends import vetting
from pytest_metaflow_backends.flow.request import FlowRequest
from pytest_metaflow_backends.matrix.load import load

MANY = 400


def refused(done):
    (line,) = done.err.splitlines()
    assert done.ret == 4
    return line


@pytest.mark.parametrize(
    "args", [("plan", "-b", ""), ("run", "-b", " , "), ("up", ""), ("down", ""), ("env", "")]
)
def test_a_name_that_is_empty_means_no_column_and_not_all(command, project, args):
    project.test_file("def test_a(backend): pass")

    assert "column" in refused(command(*args))
    assert not (project.path / "report").exists()


@pytest.mark.parametrize("target", ["/dev/full", "/proc/x", "no/such/folder/file"])
def test_a_selection_that_cannot_be_written_is_told_with_its_path(command, project, target):
    (project.path / "changed").write_text("a.py\n")

    assert target in refused(command("select", "--changed", "changed", "-o", target))


def test_a_folder_whose_name_is_too_long_is_refused(command):
    assert "File name too long" in refused(command("run", "-o", "a" * 300))


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ("nothing/here", "is not there"),
        ("/dev/null", "is neither a folder nor a file of records"),
        ("notes.txt", "is neither a folder nor a file of records"),
    ],
)
def test_what_can_hold_no_records_is_refused_before_a_report_is_written(
    command, project, records, said
):
    (project.path / "notes.txt").write_text("hello\n")
    before = sorted(project.path.rglob("*"))

    assert said in refused(command("report", records))
    assert sorted(project.path.rglob("*")) == before


def test_a_folder_without_records_is_a_verdict(command, project):
    (project.path / "records").mkdir()

    assert command("report", "records", "-o", "out").ret == 1
    assert (project.path / "out" / "report.md").is_file()


@pytest.mark.parametrize("command_line", [("plan", "--no-tests"), ("report", "records")])
def test_output_that_cannot_be_written_is_one_line(project, command_line):
    (project.path / "records").mkdir()
    with open("/dev/full", "wb") as full:  # noqa: PTH123 - a device, as a shell opens it
        done = subprocess.run(
            [sys.executable, "-m", "pytest_metaflow_backends", *command_line],
            cwd=project.path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
        )

    said = [line for line in done.stderr.splitlines() if not line.startswith("wrote ")]
    assert said == ["error: what is written here: No space left on device"]
    assert done.returncode == 4


def test_a_matrix_is_a_regular_file_of_no_great_size(command, project):
    (project.path / "large.yaml").write_bytes(b"#" * (4 << 20) + b"\n")
    os.mkfifo(project.path / "pipe.yaml")

    for name, said in {
        "/dev/full": "not a regular file",
        "pipe.yaml": "not a regular file",
        "large.yaml": "larger than 4 MiB",
    }.items():
        assert said in refused(command("plan", "--matrix", name))


@pytest.mark.parametrize("timeout", [-1, 0, float("nan"), float("inf"), 1e9])
def test_a_time_in_which_no_flow_can_end_is_refused(project, timeout):
    project.test_file("", "flow.py")
    project.test_file(
        f"from math import inf, nan\ndef test_it(mf_flow): mf_flow('flow.py', timeout={timeout})\n"
    )

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["E*UsageError: timeout * of flow *flow.py: give seconds, *"])
    assert FlowRequest(project.path / "flow.py", timeout=0.5).check() is None


def test_what_a_matrix_costs_grows_with_its_columns_and_no_faster(project, monkeypatch):
    from metaflow_backends import registry

    loaded = []
    real = registry.load
    monkeypatch.setattr(registry, "load", lambda kind: loaded.append(kind) or real(kind))
    lines = [f"  b{n}: {{kind: fake, options: {{}}}}" for n in range(MANY)]
    project.matrix("version: 1\nbackends:\n" + "\n".join(lines))

    matrix = load(project.path / "matrix.yaml")
    vetting.vet(matrix.columns)
    started = time.process_time()
    from pytest_metaflow_backends.cli import main

    assert main(["plan", "--no-tests"]) == 0
    assert len(matrix.columns) == MANY
    assert loaded == ["fake"] * 2
    assert time.process_time() - started < 20
