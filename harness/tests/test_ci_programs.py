"""The small programs behind make: what is missing is one line, and red stays red."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from ci_programs import ROOT, check, environment, preflight
from pytest_metaflow_backends.cli import recordfolder

APT = "apt-get install -y --no-install-recommends"


def test_every_part_runs_and_is_timed_although_one_is_red(tmp_path, monkeypatch, capsys):
    marker = tmp_path / "ran"
    parts = {
        "bad": [(sys.executable, "-c", "raise SystemExit(3)")],
        "good": [(sys.executable, "-c", f"open({str(marker)!r}, 'w')")],
    }
    monkeypatch.setitem(check.TIERS, "test", parts)
    monkeypatch.setattr(check, "REPORT", tmp_path / "report")

    code = check.main("test")

    assert code == 1
    assert marker.exists()
    written = capsys.readouterr()
    assert written.err == "failed: bad\n"
    assert written.out.endswith("0 passed, 2 failed\n")
    assert (tmp_path / "report/closing.txt").read_text() == "0 passed, 2 failed\n"
    assert set(check.json.loads((tmp_path / "report/timings.json").read_text())) == set(parts)


def test_the_report_of_an_earlier_run_is_never_counted(tmp_path, monkeypatch):
    (tmp_path / "report.json").write_text(
        '{"verdict": {"columns": [{"counts": {"passed": 1000}}]}}'
    )
    monkeypatch.setattr(check, "REPORT", tmp_path)
    monkeypatch.setitem(check.TIERS, "test", {"nothing": [(sys.executable, "-c", "")]})

    check.main("test")

    assert (tmp_path / "closing.txt").read_text() == "0 passed, 1 failed\n"


def test_a_run_in_the_folder_of_an_earlier_one_may_write_its_reports(tmp_path, monkeypatch):
    for name in recordfolder.REPORTS:
        (tmp_path / name).write_text('{"verdict": {"columns": []}}')
    monkeypatch.setattr(check, "REPORT", tmp_path)
    monkeypatch.setitem(check.TIERS, "test", {"nothing": [(sys.executable, "-c", "")]})

    check.main("test")

    recordfolder.refuse_others(tmp_path)
    assert not any((tmp_path / name).exists() for name in recordfolder.REPORTS)


@pytest.mark.parametrize(
    ("tests", "code"),
    [("harness/conformance", 1), ("harness/tests/test_layers.py", 0)],
)
def test_units_of_nothing_are_not_green(tests, code):
    """What a change needs may be flows only, which this part leaves to the backends."""
    commands = check.units("--collect-only", tests=[tests])

    done = subprocess.run(commands[0], cwd=ROOT, capture_output=True, check=False)

    assert done.returncode == code


CLOSINGS = {
    "green": ({"passed": 5, "flaky": 1, "xfailed": 1, "skipped": 9}, [], "7 passed, 0 failed"),
    "red tests": ({"passed": 5, "failed": 2, "missing": 1}, ["units"], "5 passed, 3 failed"),
    "red without a red test": ({"passed": 5}, ["units"], "5 passed, 1 failed"),
    "red lint": ({"passed": 5}, ["lint"], "5 passed, 1 failed"),
    "red lint and test": ({"passed": 5, "failed": 1}, ["lint", "units"], "5 passed, 2 failed"),
    "not run is not green": ({"passed": 5, "not_run": 2}, ["report"], "5 passed, 2 failed"),
}


@pytest.mark.parametrize(("counts", "red", "line"), CLOSINGS.values(), ids=CLOSINGS)
def test_the_closing_line_counts_tests_and_red_parts(counts, red, line, tmp_path, monkeypatch):
    report = {"verdict": {"columns": [{"counts": counts}]}}
    (tmp_path / "report.json").write_text(check.json.dumps(report))
    monkeypatch.setattr(check, "REPORT", tmp_path)
    expected = line

    actual = check.closing(red)

    assert expected == actual


def test_every_tier_that_ci_runs_tests_all_distributions():
    for tier in ("test", "test-full"):
        command = check.TIERS[tier]["units"][0]
        tests = {str(path.relative_to(ROOT)) for path in ROOT.glob("*/tests")}
        assert tests <= set(command)


@pytest.fixture
def _bare(monkeypatch):
    """A machine without any of the programs, and no root."""
    monkeypatch.setattr(preflight.shutil, "which", lambda _: None)
    monkeypatch.setattr(preflight.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 1000)


@pytest.mark.usefixtures("_bare")
def test_preflight_names_what_is_missing_and_the_cure_a_line_each(capsys):
    have = f"{sys.version_info[0]}.{sys.version_info[1]}"

    code = preflight.main(["--install", "venv", "chromium"])

    assert code == 4
    assert capsys.readouterr().err.splitlines() == [
        f"cannot go on: venv is missing: {APT} python{have}-venv",
        f"cannot go on: chromium is missing: {APT} chromium",
    ]


def test_preflight_says_that_a_python_is_too_old(monkeypatch):
    monkeypatch.setattr(preflight, "PYTHON", (4, 0))

    (line,) = preflight.missing([])

    assert line.endswith("is too old: 4.0 or newer is needed (make PYTHON=python3.11)")


def test_preflight_installs_as_root_and_looks_again(monkeypatch, capsys):
    """What apt-get could not install is still one line, not its pages."""
    ran = []
    found = {"apt-get": "apt-get"}
    monkeypatch.setattr(preflight.shutil, "which", found.get)
    monkeypatch.setattr(preflight.os, "geteuid", lambda: 0)

    def run(command, **_):
        ran.append(command)
        if "chromium" in command:
            found["chromium"] = "chromium"

    monkeypatch.setattr(preflight.subprocess, "run", run)

    code = preflight.main(["--install", "unshare", "chromium"])

    assert [command[-1] for command in ran] == ["update", "chromium"]
    assert code == 4
    assert capsys.readouterr().err.splitlines() == [
        f"cannot go on: unshare is missing: {APT} util-linux"
    ]


def test_preflight_is_silent_if_nothing_is_missing(capsys):
    code = preflight.main(["--install", "git", "venv"])

    assert code == 0
    assert capsys.readouterr() == ("", "")


def test_preflight_refuses_a_need_it_does_not_know(capsys):
    assert preflight.main(["moon"]) == 4
    assert capsys.readouterr().err.startswith("preflight.py knows no moon: one of git,")


UNREACHABLE = "pip cannot reach a package index: is there a network, or a setting like PIP_PROXY?"
REASONS = {
    "no network": ("WARNING: Retrying (Retry(total=0)) after …\nERROR: No match\n", UNREACHABLE),
    "no answer": ("ERROR: Could not find x (from versions: none)\nERROR: No match", UNREACHABLE),
    "another error": (
        "ERROR: first\nERROR: No space left on device\nnotice",
        "pip: ERROR: No space left on device",
    ),
    "no error line": ("Traceback\nMemoryError\n", "pip: MemoryError"),
    "nothing": ("", "pip: it failed without a word"),
}


@pytest.mark.parametrize(("said", "line"), REASONS.values(), ids=REASONS)
def test_what_pip_says_becomes_one_line(said, line):
    expected = line

    actual = environment.reason(said)

    assert expected == actual


def test_an_index_that_does_not_answer_is_one_line_and_leaves_no_stamp(tmp_path):
    """A real pip against a port nobody listens on; `make` must not believe it is installed."""
    settings = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": os.devnull,
    }

    done = subprocess.run(
        [sys.executable, ROOT / ".ci/environment.py", tmp_path / "venv"],
        cwd=tmp_path,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 4
    assert done.stderr == f"cannot go on: {UNREACHABLE}\n"
    assert not (tmp_path / "venv" / environment.STAMP).exists()


def test_an_environment_whose_making_was_interrupted_is_made_anew(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/python").chmod(0o755)

    assert not environment.works(tmp_path / "bin/python")
    assert not environment.works(tmp_path / "bin/nothing")
    assert environment.works(Path(sys.executable))


@pytest.fixture
def tree(tmp_path):
    """A root with three distributions, last changed before an environment was made."""
    for folder in ("", "harness", "features/nomad", "features/ui"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "pyproject.toml").touch()
        os.utime(tmp_path / folder / "pyproject.toml", (1, 1))
    (tmp_path / "features/empty").mkdir()
    return tmp_path


def test_all_distributions_of_a_tree_are_installed(tree):
    found = [str(folder.relative_to(tree)) for folder in environment.distributions(tree)]

    *_, command = environment.steps(Path("python"), tree).values()

    assert found == [".", "features/nomad", "features/ui", "harness"]
    assert [command[n + 1] for n, word in enumerate(command) if word == "-e"] == [
        str(tree / folder) for folder in found
    ]


def test_an_environment_is_fresh_until_a_distribution_changes_or_comes(tree):
    stamp = tree / "stamp"

    states = [environment.fresh(stamp, tree)]
    stamp.touch()
    states.append(environment.fresh(stamp, tree))
    os.utime(tree / "harness/pyproject.toml", (2**32, 2**32))
    states.append(environment.fresh(stamp, tree))

    assert states == [False, True, False]
