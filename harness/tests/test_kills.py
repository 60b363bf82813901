"""Killed for real: what is kept, who is named, and what the next start finds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
from pytest_metaflow_backends import records

STEPS = """
    import pathlib, time, pytest

    @pytest.mark.parametrize("n", range(6))
    def test_a(backend, n):
        pathlib.Path(f"began-{n}").touch()
        if n == 3:
            time.sleep(60)
"""


def start(project, *args):
    """Start pytest in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "--metaflow-records=records", *args],
        cwd=project.path,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return found


def report(project):
    return project.cli("report", "records", timeout=60)


def fake_project(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake, required: true}}\n")
    project.test_file(STEPS)


def outcomes(project):
    return {r["id"].rpartition("[")[2]: r["outcome"] for r in project.results().values()}


@pytest.mark.parametrize("workers", [(), ("-n2", "--dist=load")], ids=["alone", "xdist"])
def test_killing_the_job_keeps_what_ended_names_what_ran_and_is_red(project, workers):
    fake_project(project)
    job = start(project, *workers)
    wait_for(lambda: (project.path / "began-3").exists() and len(project.results()) >= 3)
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    kept = outcomes(project)

    verdict = report(project)

    assert {"fake-0]", "fake-1]", "fake-2]"} <= set(kept)
    assert set(kept.values()) == {"passed"}
    assert verdict.ret == 1
    verdict.stdout.fnmatch_lines(["*test_a?fake-3?*"])


def test_what_a_killed_job_left_is_reaped_at_the_next_start(project):
    fake_project(project)
    job = start(project)
    wait_for(lambda: (project.path / "began-3").exists())
    os.killpg(job.pid, signal.SIGKILL)
    job.wait()
    orphans = wait_for(lambda: project.left_over())

    again = project.run("-k", "fake-0")

    assert again.ret == 0
    assert orphans
    _, alive = psutil.wait_procs(orphans, timeout=10)
    assert not alive
    assert not project.left_over()


def test_killing_only_the_controller_is_red_and_leaves_nothing_after_the_next_start(project):
    fake_project(project)
    job = start(project, "-n2")
    wait_for(lambda: (project.path / "began-3").exists())
    os.kill(job.pid, signal.SIGKILL)
    job.wait()

    verdict = report(project)
    again = project.run("-k", "fake-0")

    assert verdict.ret == 1
    assert again.ret == 0
    assert not project.left_over()


def test_a_killed_worker_costs_one_test_which_is_named(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake, required: true}}\n")
    project.test_file("""
        import os, signal, pytest

        @pytest.mark.parametrize("n", range(6))
        def test_a(backend, n):
            if n == 3:
                os.kill(os.getpid(), signal.SIGKILL)
    """)

    result, _ = project.record("-n2")
    seen = outcomes(project)

    assert result.ret == 1
    assert seen.pop("fake-3]") == "crashed"
    assert set(seen.values()) == {"passed"}
    assert len(seen) == 5
    assert not project.left_over()


def test_a_full_disk_ends_the_run_loudly(project):
    """A real one: a tmpfs of 32 KiB for the records, in a mount namespace of its own."""
    project.test_file("""
        import pytest

        @pytest.mark.parametrize("n", range(2000))
        def test_a(n): pass
    """)
    (project.path / "small").mkdir()
    command = textwrap.dedent(f"""
        mount -t tmpfs -o size=32k none small &&
        exec {sys.executable} -m pytest -q --metaflow-records=small/records
    """)
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]

    done = subprocess.run(
        ["unshare", "--mount", *rights, "sh", "-c", command],
        cwd=project.path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 3
    assert "records cannot be written: No space left on device" in done.stdout + done.stderr


@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_two_runs_at_once_on_one_state_folder_are_refused(project, workers):
    fake_project(project)
    job = start(project)
    try:
        wait_for(lambda: (project.path / "began-3").exists())

        second = project.run("-k", "fake-0", *workers)

        assert second.ret == 4
        second.stderr.fnmatch_lines([f"*used by another run (process {job.pid}*--metaflow-state*"])
        assert "Traceback" not in second.stdout.str() + second.stderr.str()
        elsewhere = project.run("-k", "fake-0", "--metaflow-state=other")
        assert elsewhere.ret == 0
        project.test_file("def test_plain(): pass", "test_plain.py")
        assert project.run("test_plain.py").ret == 0  # needs no backend, so no folder
    finally:
        os.killpg(job.pid, signal.SIGKILL)
        job.wait()


def test_a_session_that_was_interrupted_has_its_finish_line(project):
    fake_project(project)
    job = start(project)
    wait_for(lambda: (project.path / "began-3").exists())
    os.kill(job.pid, signal.SIGINT)

    assert job.wait(timeout=60) == 2
    assert [line["exitstatus"] for line in project.lines() if line["kind"] == "finish"] == [2]
    assert not project.left_over()
    assert records.SCHEMA_VERSION == 1
