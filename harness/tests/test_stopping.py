"""Told to end, or killed: runs end in order, begin nothing else, and leave nothing running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

TWO = "version: 1\nbackends: {fake: {kind: fake, variants: {other: {default: true}}}}\n"
SLEEPS = """
    import pathlib, time

    def test_a(backend):
        pathlib.Path("began").touch()
        time.sleep(60)

    def test_b(backend): pass
"""


def start(project, *argv):
    return subprocess.Popen(
        [sys.executable, "-m", *argv],
        cwd=project.path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


@pytest.fixture
def sleeping(project):
    project.matrix(TWO)
    project.test_file(SLEEPS)

    def begin(*argv):
        process = start(project, *argv)
        wait_for((project.path / "began").exists)
        return process

    return begin


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_ends_in_order_and_begins_no_other_column(
    project, sleeping, number
):
    run = sleeping("pytest_metaflow_backends", "run")
    children = psutil.Process(run.pid).children(recursive=True)

    run.send_signal(number)
    said, _ = run.communicate(timeout=60)

    assert run.returncode == 2, said
    assert "[1/2] fake" in said
    assert "[2/2]" not in said
    assert (project.path / "report/report.json").is_file()
    assert not psutil.wait_procs(children, timeout=10)[1]
    assert not project.left_over()


def test_pytest_that_is_told_to_end_stops_its_backend_and_says_so_in_its_records(project, sleeping):
    run = sleeping("pytest", "--metaflow-records=records", "--metaflow-backend=fake")

    run.terminate()
    said, _ = run.communicate(timeout=60)

    assert run.returncode == 2, said
    assert "the run was told to end (SIGTERM)" in said
    assert '"reason": "SIGTERM"' in "".join(
        path.read_text() for path in (project.path / "records").glob("*.jsonl")
    )
    assert not project.left_over()


def test_a_run_that_is_killed_takes_its_pytest_with_it(project, sleeping):
    run = sleeping("pytest_metaflow_backends", "run")
    children = psutil.Process(run.pid).children(recursive=True)

    run.kill()
    run.communicate()
    _, alive = psutil.wait_procs(children, timeout=30)

    assert children
    assert not alive
    assert not project.left_over()


def test_a_second_signal_does_not_wait(project):
    project.matrix(TWO)
    project.test_file("""
        import pathlib, signal, time

        def test_a(backend):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            pathlib.Path("began").touch()
            time.sleep(60)
    """)
    run = start(project, "pytest_metaflow_backends", "run")
    wait_for((project.path / "began").exists)

    os.kill(run.pid, signal.SIGTERM)
    time.sleep(0.5)
    os.kill(run.pid, signal.SIGTERM)
    run.communicate(timeout=30)

    assert run.returncode == 2
