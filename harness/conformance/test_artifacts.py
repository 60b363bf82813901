"""What steps leave: artifacts of all sizes and kinds, and output."""

from __future__ import annotations

import pytest

needs = pytest.mark.needs
MEGABYTE = 1024 * 1024


@needs("linear")
@pytest.mark.smoke
def test_artifacts_of_any_name_and_kind_reach_the_next_step(mf_flow):
    run = mf_flow("flows/artifacts.py")

    start, end = run.task("start").artifacts, run.task("end").artifacts
    assert start["größe"].value == "groß"
    assert start["数"].value == 42
    assert start["none"].value is None
    assert "deleted" not in start
    assert end["has_deleted"].value is False
    assert end["sum"].value == 46
    assert start["nested"].digest == end["nested"].digest
    assert start["empty"].digest != start["none"].digest


@needs("large_artifacts")
def test_an_artifact_of_a_hundred_megabytes_reaches_the_next_step(mf_flow):
    run = mf_flow("flows/artifacts.py", parameters={"megabytes": 100})

    assert run.value("end", "length") == 100 * MEGABYTE
    assert run.value("end", "ends") == [0, 1, 254, 255]
    start, end = run.task("start").artifacts, run.task("end").artifacts
    assert start["large"].digest == end["large"].digest


@needs("linear")
def test_arrays_and_tables_reach_the_next_step_unchanged(mf_flow):
    run = mf_flow("flows/arrays.py")

    assert (run.value("end", "total"), run.value("end", "shape")) == (66.0, [3, 4])
    assert run.value("end", "kind") == "float32"
    assert run.value("end", "mean") == 2.0
    assert run.value("end", "names") == ["a", "ß"]
    assert run.value("end", "month") == 2
    start, end = run.task("start").artifacts, run.task("end").artifacts
    for name in ("matrix", "scalar", "table", "days"):
        assert start[name].digest == end[name].digest, name


@needs("logs")
def test_output_of_any_kind_is_kept_on_both_streams(mf_flow):
    run = mf_flow("flows/output.py")

    start, odd = run.task("start"), run.task("odd")
    assert start.stdout.splitlines()[-1] == "line 9999"
    assert "the end of standard error" in start.stderr
    assert "größe 数 \N{PILE OF POO}" in odd.stdout
    assert odd.stdout.endswith("no newline at the end")
    assert "utf-8" in odd.stdout


@needs("foreach")
def test_a_task_knows_who_it_is(mf_flow):
    run = mf_flow("flows/identity.py")

    me = run.value("start", "me")
    assert (me["flow"], me["step"], me["retry"]) == ("IdentityFlow", "start", 0)
    assert me["running"] is True
    assert run.value("start", "user")
    ids = run.value("start", "ids")
    assert (ids["pathspec"], ids["run"]) == (run.task("start").pathspec, run.run_id)
    work = run.step("work")
    assert [task.artifacts["me"].value["said"] for task in work] == ["x", "y"]
    assert run.value("join", "stacks") == [[[0, 2, "x"]], [[1, 2, "y"]]]
    tasks = sorted(task.pathspec.rpartition("/")[2] for task in work)
    assert run.value("join", "tasks") == tasks


@needs("packages")
def test_a_module_beside_the_flow_travels_with_it(mf_flow):
    run = mf_flow("flows/with_helper.py")

    assert run.value("start", "loud") == "FOUND!"
    assert run.value("end", "again") == "AGAIN!"
