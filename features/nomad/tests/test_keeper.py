"""The process beside a step, with real steps and a datastore of files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from metaflow.datastore import FlowDataStore
from metaflow.mflog import TASK_LOG_SOURCE
from metaflow.mflog.mflog import parse
from metaflow.plugins import DATASTORES
from metaflow_extensions.nomad.task import claim, keeper

LOCAL = next(one for one in DATASTORES if one.TYPE == "local")


@pytest.fixture
def environment(tmp_path):
    """What a task's bootstrap exports; without an allocation nothing is claimed."""
    (tmp_path / "logs").mkdir()
    return {
        **{name: text for name, text in os.environ.items() if name != "NOMAD_ALLOC_ID"},
        "MF_PATHSPEC": "F/1/start/1",
        "MF_ATTEMPT": "0",
        "MF_DATASTORE": "local",
        "MF_DATASTORE_ROOT": str(tmp_path / "store"),
        "MFLOG_STDOUT": str(tmp_path / "logs/stdout"),
        "MFLOG_STDERR": str(tmp_path / "logs/stderr"),
        "METAFLOW_HOME": str(tmp_path),
    }


@pytest.fixture
def begin(environment, tmp_path):
    begun = []

    def start(command, **more):
        argv = [sys.executable, "-m", "metaflow_extensions.nomad.task.keeper", command]
        begun.append(
            subprocess.Popen(
                argv, cwd=tmp_path, env=environment | more,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
        )  # fmt: skip
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture
def stored(tmp_path):
    """What the datastore has of one stream, as Metaflow's client reads it."""

    def read(stream):
        whole = FlowDataStore("F", None, storage_impl=LOCAL, ds_root=str(tmp_path / "store"))
        task = whole.get_task_datastore("1", "start", "1", attempt=0, allow_not_done=True)
        ((_, blob),) = task.load_logs([TASK_LOG_SOURCE], stream)
        return b"".join(parse(line).msg + b"\n" for line in blob.splitlines())

    return read


def test_output_is_shown_and_stored_with_its_stream(begin, stored):
    process = begin("echo out; echo err >&2")

    out, err = process.communicate(timeout=50)

    assert (process.returncode, out, err) == (0, b"out\n", b"err\n")
    assert (stored("stdout"), stored("stderr")) == (out, err)


def test_what_the_bootstrap_said_is_stored_before_it(begin, environment, stored):
    with open(environment["MFLOG_STDOUT"], "ab") as log:  # noqa: PTH123
        log.write(b"[MFLOG|0|2026-01-01T00:00:00.000000Z|task|id]Downloading\n")

    process = begin("echo out")
    process.communicate(timeout=50)

    assert stored("stdout") == b"Downloading\nout\n"


@pytest.mark.parametrize(
    ("step", "code"), [("exit 3", 3), ("exit 202", 202), ("kill -9 $$", 137), ("nothing", 127)]
)
def test_the_exit_code_is_the_steps_as_a_shell_says_it(begin, step, code):
    process = begin(step)

    process.communicate(timeout=50)

    assert process.returncode == code


def test_output_is_stored_while_the_step_runs(begin, stored, tmp_path):
    process = begin("echo soon; sleep 40")

    until, seen = time.monotonic() + 30, b""
    while seen != b"soon\n" and time.monotonic() < until:
        time.sleep(0.1)
        seen = stored("stdout") if list((tmp_path / "store").rglob("*stdout*")) else b""

    assert seen == b"soon\n"
    assert process.poll() is None


def test_what_outlives_a_step_does_not_hold_it(begin, stored):
    process = begin("sleep 30 & echo out; exit 4")

    began = time.monotonic()
    process.wait(20)

    assert process.returncode == 4
    assert time.monotonic() - began < 15
    assert stored("stdout") == b"out\n"


@pytest.mark.parametrize(
    "text", [b"\xff\xfe no text\n", b"a\rb\r\n", b"no end", b"x" * (1 << 21) + b"\n", b"\n" * 9]
)
def test_any_bytes_are_shown_as_they_are(begin, tmp_path, text):
    (tmp_path / "said").write_bytes(text)
    process = begin("cat said")

    out, _ = process.communicate(timeout=50)

    assert out == text


def test_much_output_is_stored_whole(begin, stored):
    process = begin("seq 1 100000")

    out, _ = process.communicate(timeout=100)

    assert stored("stdout") == out
    assert len(out) > keeper.IN_MEMORY / 2


def test_a_step_does_not_fail_for_its_logs(begin, tmp_path):
    (tmp_path / "store").write_text("no folder")
    process = begin("echo out; exit 5")

    out, err = process.communicate(timeout=50)

    assert (process.returncode, out) == (5, b"out\n")
    assert b"[nomad] the output could not be stored: " in err


def test_a_full_disk_costs_lines_and_not_the_step(tmp_path, capsys):
    step = subprocess.Popen(["seq", "100000"], stdout=subprocess.PIPE)
    with (tmp_path / "shown").open("wb") as shown:
        keeper.tee(step.stdout, Path("/dev/full"), shown.fileno()).join(50)
    step.stdout.close()

    assert step.wait(10) == 0
    assert (tmp_path / "shown").read_text().splitlines()[-1] == "100000"
    assert "100000 lines of output could not be written" in capsys.readouterr().err


def test_of_an_attempt_that_is_taken_nothing_runs(monkeypatch, tmp_path):
    monkeypatch.setattr(claim, "main", lambda: claim.TAKEN)

    assert keeper.main([f"touch {tmp_path}/ran"]) == claim.TAKEN
    assert not (tmp_path / "ran").exists()
