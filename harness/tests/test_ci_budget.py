"""What a run took is held against budgets, from the files of the run itself; absence is red."""

from __future__ import annotations

import json

import pytest
from ci_programs import ROOT, budget


def report(**seconds):
    return {
        "tests": [
            {"key": key.replace("__", "/"), "cells": {"local": {"seconds": value}}}
            for key, value in seconds.items()
        ]
    }


AREAS = {
    "harness/tests/test_plugin.py::test_x": "harness",
    "harness/conformance/test_graphs.py::test_x": "matrix",
    "harness/tests/github/test_publish.py::test_x": "check runs",
    "backends/tests/test_local.py::test_x": "devstack",
    "features/nomad/tests/test_job.py::test_x": "nomad",
}


@pytest.mark.parametrize(("key", "area"), AREAS.items(), ids=AREAS.values())
def test_a_test_belongs_to_the_area_of_its_folder(key, area):
    expected = area

    actual = budget.area_of(key)

    assert expected == actual


@pytest.mark.parametrize(
    ("column", "area"),
    [
        ("local", "matrix"),
        ("k8s/kind", "devstack flows"),
        ("argo", "devstack flows"),
        ("nomad/acl", "nomad"),
    ],
)
def test_a_test_on_a_backend_belongs_to_the_area_of_the_backend_it_ran_on(column, area):
    expected = area

    actual = budget.area_of("harness/conformance/test_graphs.py::test_x", column)

    assert expected == actual


AREA_PROBLEMS = {
    "within": ({"matrix": 3.9}, {"matrix"}, []),
    "at the bar": ({"matrix": 4.0}, {"matrix"}, []),
    "over": ({"matrix": 4.1}, {"matrix"}, ["matrix: 4.1 min, budget 4 min"]),
    "absent": ({}, {"matrix"}, ["matrix: none of its tests is in the report"]),
    "without a budget": ({"moon": 0.1}, {"moon"}, ["moon: has no budget in .ci/budget.py"]),
}


@pytest.mark.parametrize(("spent", "areas", "lines"), AREA_PROBLEMS.values(), ids=AREA_PROBLEMS)
def test_an_area_over_budget_or_absent_is_a_problem(spent, areas, lines):
    expected = lines

    actual = budget.area_problems(spent, areas)

    assert expected == actual


ALL_PARTS = dict.fromkeys(budget.PARTS, 60.0)
TOTAL_PROBLEMS = {
    "within": (ALL_PARTS, []),
    "over": ({**ALL_PARTS, "units": 75 * 60}, ["all parts: 79.0 min, budget 75 min"]),
    "part absent": (
        {part: 1.0 for part in budget.PARTS if part != "lint"},
        ["lint: has no time in timings.json"],
    ),
    "nothing at all": ({}, [f"{part}: has no time in timings.json" for part in sorted(ALL_PARTS)]),
}


@pytest.mark.parametrize(("timings", "lines"), TOTAL_PROBLEMS.values(), ids=TOTAL_PROBLEMS)
def test_all_parts_together_have_a_budget_and_each_has_a_time(timings, lines):
    expected = lines

    actual = budget.total_problems(timings)

    assert expected == actual


def test_the_minutes_of_an_area_are_the_seconds_of_its_tests_shared_by_two_workers():
    spent = budget.minutes(
        report(harness__tests__x=120, backends__tests__y=60, features__nomad__tests__z=240)
    )

    assert spent == {"harness": 1.0, "devstack": 0.5, "nomad": 2.0}


def test_every_area_of_the_tree_has_a_budget():
    areas = budget.areas_with_tests(ROOT)

    assert {"matrix", "harness", "devstack"} <= areas <= set(budget.BUDGETS)


def test_a_run_without_a_report_is_over_budget(tmp_path, capsys):
    (tmp_path / "timings.json").write_text(json.dumps(ALL_PARTS))

    code = budget.main(tmp_path)

    assert code == 1
    assert "no budget can be checked" in capsys.readouterr().err


def test_a_run_that_was_too_slow_ends_red_and_says_which_area(tmp_path, capsys):
    (tmp_path / "timings.json").write_text(json.dumps(ALL_PARTS))
    (tmp_path / "report.json").write_text(
        json.dumps(
            report(
                harness__conformance__x=60 * 9,
                harness__tests__x=1,
                harness__tests__github__x=1,
                backends__tests__y=1,
                features__nomad__tests__z=1,
                features__functions__tests__z=1,
                features__worker_pool__tests__w=1,
            )
        )
    )

    code = budget.main(tmp_path)

    assert code == 1
    assert capsys.readouterr().err == "budget: matrix: 4.5 min, budget 4 min\n"
