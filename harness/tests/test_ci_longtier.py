"""A tier of hours goes on where it was cut off, and may be run for one backend at a time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from ci_programs import ROOT, check, progress


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

    monkeypatch.setattr(progress.metadata, "distributions", list)
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
