"""The small programs behind make: what is missing is one line, and red stays red."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_metaflow_backends.cli import recordfolder

ROOT = Path(__file__).resolve().parents[2]
APT = "apt-get install -y --no-install-recommends"


sys.path.insert(0, str(ROOT / ".ci"))  # they import each other


def program(name):
    """Load one of the small programs in .ci as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check, preflight, environment = program("check"), program("preflight"), program("environment")
progress = program("progress")


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


@pytest.fixture
def long_tier(tmp_path, monkeypatch):
    """A repository whose long tier has a part that is green at its second try only."""

    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
        subprocess.run(["git", *identity, *arguments], cwd=tree, check=True, capture_output=True)

    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "code.py").write_text("1")
    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "x")
    log = tmp_path / "log"
    second_try = f"t = open({str(log)!r}).read(); raise SystemExit(t.count('shaky') < 2)"
    parts = {
        name: [(sys.executable, "-c", f"open({str(log)!r}, 'a').write('{name} '); {rest}")]
        for name, rest in {"steady": "", "shaky": second_try, "report": ""}.items()
    }
    monkeypatch.setitem(check.TIERS, "test-full", parts)
    monkeypatch.setattr(check, "ROOT", tree)
    monkeypatch.setattr(check, "REPORT", tmp_path / "report")
    monkeypatch.setattr(check, "RECORDS", tmp_path / "report/records")
    monkeypatch.setattr(check, "counts", lambda: (5, 0))
    return tree, log


def test_a_long_tier_goes_on_with_what_is_not_green_yet(long_tier, capsys):
    _, log = long_tier

    codes = [check.main("test-full"), check.main("test-full")]

    assert codes == [1, 0]
    assert log.read_text().split() == ["steady", "shaky", "report", "shaky", "report"]
    assert "--- steady: ok already, for this very tree\n" in capsys.readouterr().out


def test_a_part_that_goes_on_takes_its_earlier_records_away(long_tier, monkeypatch):
    """What was interrupted would stand beside what its next try shows, and be as true."""
    tree, _ = long_tier
    records = tree.parent / "report/records"
    make = f"import os, time; os.makedirs({str(records)!r}, exist_ok=True)"
    leave = f"{make}; open({str(records)!r} + '/{{}}-%d.jsonl' % time.time_ns(), 'w')"
    parts = dict(check.TIERS["test-full"])
    for name in ("steady", "shaky"):
        (command,) = parts[name]
        parts[name] = [(*command[:2], f"{leave.format(name)}; {command[2]}")]
    monkeypatch.setitem(check.TIERS, "test-full", parts)

    codes = [check.main("test-full"), check.main("test-full")]

    assert codes == [1, 0]
    kept = sorted(path.name.partition("-")[0] for path in records.iterdir())
    assert kept == ["shaky", "steady"]


def test_a_long_tier_that_ended_green_starts_anew(long_tier):
    """Else it would be green for ever after without a single test."""
    _, log = long_tier
    check.main("test-full")
    check.main("test-full")
    log.write_text("")

    code = check.main("test-full")

    assert code == 1
    assert log.read_text().split() == ["steady", "shaky", "report"]


@pytest.mark.parametrize("change", ["code.py", "new.py"])
def test_a_changed_tree_starts_its_long_tier_anew(long_tier, change):
    tree, log = long_tier
    records = tree.parent / "report/records"
    check.main("test-full")
    records.mkdir(parents=True)
    (records / "old.jsonl").touch()

    (tree / change).write_text("2")
    check.main("test-full")

    assert log.read_text().split() == ["steady", "shaky", "report"] * 2
    assert not records.exists()


def test_other_packages_start_a_long_tier_anew(long_tier, monkeypatch):
    _, log = long_tier
    check.main("test-full")

    monkeypatch.setattr(sys.modules["progress"].metadata, "distributions", list)
    check.main("test-full")

    assert log.read_text().split() == ["steady", "shaky", "report"] * 2


def test_records_that_another_run_took_away_start_a_long_tier_anew(long_tier):
    """`make test` replaces them by those of fewer tests."""
    tree, log = long_tier
    records = tree.parent / "report/records"
    records.mkdir(parents=True)
    (records / "a.jsonl").touch()
    monitored = progress.Progress.of(tree.parent / "report/progress.json", records, tree)
    (records / "b.jsonl").touch()
    monitored.note("steady", 1.0)
    assert "steady" in progress.Progress.of(monitored.file, records, tree).green

    (records / "a.jsonl").unlink()
    check.main("test-full")

    assert log.read_text().split()[0] == "steady"


@pytest.mark.parametrize("kept", ["", "[]", "{}", '{"state": "x", "green": 5, "shown": []}'])
def test_progress_that_cannot_be_read_is_none(tmp_path, kept):
    (tmp_path / "progress.json").write_text(kept)

    assert progress.Progress.of(tmp_path / "progress.json", tmp_path, ROOT).green == {}


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


def words_of(parts):
    """List every word of every command of a tier."""
    return [word for commands in parts.values() for command in commands for word in command]


def test_the_long_tier_of_one_backend_runs_all_of_its_columns_and_no_other():
    parts = check.long_tier(["nomad"])

    columns = parts["report"][0][parts["report"][0].index("--expect") + 1].split(",")
    assert {column.split("/")[0] for column in columns} == {"nomad"}
    assert {"nomad", "nomad/raw_exec", "nomad/multi", "nomad/gpu"} <= set(columns)
    assert {name for name in parts if name.endswith(" on nomad")} == {
        f"{file.stem} on nomad" for file in check.FLOWS
    }
    assert not [name for name in parts if name.endswith((" on k8s", " on local"))]
    assert "units" not in parts
    assert "k8s/kind" not in words_of(parts)


def test_the_parts_of_all_backends_are_the_whole_long_tier():
    """Sitting by sitting, nothing that the whole runs may be left out."""
    whole = set(check.long_tier())

    sittings = [set(check.long_tier([name])) for name in ("local", "s3", "docker", "nomad")]
    sittings += [set(check.long_tier([name])) for name in ("k8s", "argo", "units")]

    assert set().union(*sittings) == whole


def test_a_name_that_is_no_backend_is_refused_in_one_line():
    done = subprocess.run(
        [sys.executable, ".ci/check.py", "test-full"],
        cwd=ROOT,
        env={**os.environ, "ONLY": "nomda"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("ONLY names what is none: nomda (known: argo, docker, k8s")
    assert len(done.stderr.splitlines()) == 1


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
