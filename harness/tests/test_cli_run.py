"""What `mf-backends run` does with records and reports of other runs."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress

import pytest
from pytest_metaflow_backends.cli import recordfolder
from pytest_metaflow_backends.errors import UsageError

FAKE = "version: 1\nbackends: {fake: {kind: fake, variants: {other: {default: true}}}}\n"


def test_two_runs_never_share_a_folder(project):
    """Each would take the records of the other for earlier ones, and remove them."""
    project.matrix(FAKE)
    project.test_file("""
        import time, pathlib

        def test_a(backend):
            pathlib.Path("begun").touch()
            while not pathlib.Path("end").exists():
                time.sleep(0.05)
            assert False
    """)
    argv = [sys.executable, "-m", "pytest_metaflow_backends", "run", "-b", "fake"]
    first = subprocess.Popen(argv, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until((project.path / "begun").exists)

    second = project.cli("run", "-b", "fake/other", "--state", "elsewhere")
    (project.path / "end").touch()
    first.communicate(timeout=60)

    assert second.ret == 4
    second.stderr.fnmatch_lines(["*another run writes into */report; give one its own*"])
    assert first.returncode == 1


def test_a_run_that_is_killed_leaves_no_report_of_an_earlier_one(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")
    assert project.cli("run", "-b", "fake").ret == 0
    project.test_file("""
        import pathlib, time

        def test_a(backend):
            pathlib.Path("begun").touch()
            time.sleep(60)
    """)
    argv = [sys.executable, "-m", "pytest_metaflow_backends", "run", "-b", "fake"]
    killed = subprocess.Popen(
        argv, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    until((project.path / "begun").exists)

    killed.kill()
    killed.communicate(timeout=60)

    assert not (project.path / "report/report.json").exists()
    project.test_file("def test_a(backend): pass")
    assert project.cli("run", "-b", "fake").ret == 0
    assert (project.path / "report/report.json").exists()


def until(true):
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("require", "columns", "code"),
    [
        ([], "fake", 5),
        pytest.param([], "fake,fake/other", 0, marks=pytest.mark.slow),
        (["--require"], "fake,fake/other", 5),
    ],
)
def test_what_ran_earlier_does_not_stand_for_a_column_without_tests(
    project, require, columns, code
):
    project.matrix(FAKE)
    project.test_file("""
        import pytest

        def test_a(backend): pass

        @pytest.mark.backends("fake/other")
        def test_b(backend): pass
    """)
    assert project.cli("run", "-b", "fake,fake/other").ret == 0

    again = project.cli("run", "-b", columns, "--append", *require, "--", "-k", "test_b")

    assert again.ret == code
    assert ("no test was selected this time" in again.stderr.str()) is (code == 5)


def test_a_pytest_that_records_nothing_is_red(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")
    assert project.cli("run", "-b", "fake").ret == 0
    (project.path / "conftest.py").write_text("import sys; sys.exit(0)")

    again = project.cli("run", "-b", "fake,fake/other", "--append")

    assert again.ret != 0
    again.stderr.fnmatch_lines(["fake: pytest ended with 0 and recorded nothing"])


@pytest.mark.slow
def test_a_clock_that_is_set_back_makes_no_run_an_earlier_one(project):
    project.matrix(FAKE)
    project.test_file("import os\ndef test_a(backend): assert 'BAD' not in os.environ")
    (project.path / "conftest.py").write_text(
        "import os, time\n"
        "if 'BAD' in os.environ:\n"
        "    real = time.time\n"
        "    time.time = lambda: real() - 3600\n"
    )
    assert project.cli("run", "-b", "fake").ret == 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAD", "1")
        bad = project.cli("run", "-b", "fake", "--append")

    assert bad.ret == 1
    assert project.cli("report", "report/records").ret == 1


def test_reports_come_back_from_a_run_that_breaks_before_it_begins(tmp_path):
    report = tmp_path / "report.json"
    report.write_text("earlier")
    earlier = recordfolder.Earlier.in_(tmp_path / "records")

    with suppress(RuntimeError), recordfolder.set_aside(tmp_path, earlier):
        assert not report.exists()
        raise RuntimeError

    assert report.read_text() == "earlier"


def test_a_folder_that_cannot_be_written_is_told_in_a_line(tmp_path):
    (tmp_path / "file").touch()

    with (
        pytest.raises(UsageError, match="cannot be written: Not a directory"),
        recordfolder.held(tmp_path / "file/report"),
    ):
        pytest.fail("nobody may have it")
