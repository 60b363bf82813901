"""The repository holds together: one list of backends, no traces of a machine, honest budgets."""

from __future__ import annotations

import configparser
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_metaflow_backends.matrix.load import load

ROOT = Path(__file__).resolve().parents[2]


def program(name):
    """Load one of the small programs in .ci as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


budget, check, preflight = program("budget"), program("check"), program("preflight")


def tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def test_tox_and_the_matrix_name_the_same_backends():
    tox = configparser.ConfigParser()
    tox.read(ROOT / "tox.ini")
    listed = [name.strip() for name in tox["tox"]["envlist"].split(",")]

    assert set(listed) - {"units", "lint", "docs"} == set(load(ROOT / "matrix.yaml").backends())


def test_every_make_target_is_explained():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)[0].split())
    explained = set(re.findall(r"^([a-z-]+):.*##", text, re.MULTILINE))

    assert targets == explained


def test_no_file_names_a_registry_or_a_folder_of_a_machine():
    hosts = "|".join(
        [
            "pypi" + r"\.org",
            "files\\.python" + "hosted",
            "registry\\.npm" + "js",
            "proxy\\.go" + "lang",
            "deb\\.de" + "bian",
        ]
    )
    places = "/(?:root|work|home/[a-z]+)/(?!\\.)"
    pattern = re.compile(rf"https?://(?:[\w.-]*)(?:{hosts})|(?<![\w.]){places}[a-z]+/")
    allowed = {"docs/install.md"}  # links to the pages of three plugins
    found = {
        str(path.relative_to(ROOT)): match[0]
        for path in tracked()
        if str(path.relative_to(ROOT)) not in allowed
        and (match := pattern.search(path.read_text(encoding="utf-8", errors="ignore")))
    }

    assert found == {}


def test_workflows_hide_no_failure_and_grant_nothing_by_default():
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text()
        assert "continue-on-error" not in text
        assert "permissions: {}" in text


def test_ci_ends_red_if_a_part_is_red_and_runs_the_rest_all_the_same(tmp_path, monkeypatch, capsys):
    marker = tmp_path / "ran"
    parts = {
        "bad": [(sys.executable, "-c", "raise SystemExit(3)")],
        "good": [(sys.executable, "-c", f"open({str(marker)!r}, 'w')")],
    }
    monkeypatch.setitem(check.TIERS, "lint", parts)

    code = check.main("lint")

    assert code == 1
    assert marker.exists()
    assert "failed: bad" in capsys.readouterr().err


def test_a_report_that_is_not_there_counts_as_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "REPORT", tmp_path)

    assert check.counts() == (0, 1)


def report(**seconds):
    return {
        "tests": [
            {"key": key.replace("__", "/"), "cells": {"local": {"seconds": value}}}
            for key, value in seconds.items()
        ]
    }


BUDGETS = {
    "within": ({"matrix": 3.9}, {"matrix"}, []),
    "over": ({"matrix": 4.1}, {"matrix"}, ["matrix: 4.1 min, budget 4 min"]),
    "absent": ({}, {"matrix"}, ["matrix: none of its tests is in the report"]),
    "unknown": ({"moon": 0.1}, {"moon"}, ["moon: has no budget in .ci/budget.py"]),
}


@pytest.mark.parametrize(("spent", "areas", "lines"), BUDGETS.values(), ids=BUDGETS)
def test_an_area_over_budget_or_absent_is_a_problem(spent, areas, lines):
    expected = lines

    actual = budget.problems(spent, areas)

    assert expected == actual


def test_the_minutes_of_an_area_come_from_the_report():
    spent = budget.minutes(
        report(harness__tests__x=120, backends__tests__y=60, features__nomad__tests__z=240)
    )

    assert spent == {"matrix": 1.0, "devstack": 0.5, "nomad": 2.0}
    assert {"matrix", "devstack"} <= budget.areas_with_tests(ROOT)


def test_preflight_names_what_is_missing_and_the_cure(monkeypatch):
    monkeypatch.setattr(preflight, "PYTHON", (4, 0))
    monkeypatch.setattr(preflight.shutil, "which", lambda _: None)

    lines = preflight.missing(["chromium"])

    assert [line.partition(":")[0] for line in lines] == [
        f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old",
        "chromium is missing",
    ]
    assert "apt-get install" in lines[1]


@pytest.mark.parametrize("script", ["matrix_reference.py", "cli_reference.py"])
def test_generated_pages_are_fresh(script):
    done = subprocess.run(
        [sys.executable, f"docs/_generate/{script}", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stderr == ""
    assert done.returncode == 0
