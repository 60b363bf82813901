"""Switches and recursion inside every other shape of a flow, and the shapes that are refused.

The scenarios are those of the suite that Metaflow's maintainers name as the starting point;
docs/qa-scenarios.md maps one to the other.
"""

from __future__ import annotations

import pytest

needs = pytest.mark.needs


@pytest.mark.slow
@needs("switch", "parameters")
@pytest.mark.parametrize(
    ("given", "steps", "found"),
    [
        pytest.param({}, ["start", "garden", "end"], "garden", id="outer"),
        pytest.param({"door": "right"}, ["start", "hall", "red", "end"], "red room", id="inner"),
        pytest.param(
            {"door": "right", "room": "blue"},
            ["start", "hall", "blue", "end"],
            "blue room",
            id="other_inner",
        ),
    ],
)
def test_a_switch_inside_a_switch(mf_flow, given, steps, found):
    run = mf_flow("flows/conditionals/switch_in_switch.py", parameters=given)

    assert [task.step for task in run.tasks] == steps
    assert run.value("end", "found") == found


@needs("switch", "branch", "join")
@pytest.mark.parametrize("fuel", ["wood", "gas"])
def test_a_switch_inside_a_branch(mf_flow, fuel):
    run = mf_flow("flows/conditionals/switch_in_branch.py", parameters={"fuel": fuel})

    assert run.value("cook", "pot") == sorted(["water", fuel])
    assert {task.step for task in run.tasks} == {"start", "water", "fire", fuel, "cook", "end"}


@needs("switch", "branch", "join")
@pytest.mark.parametrize(("guests", "had"), [(1, ["book"]), (2, ["food", "music"])])
def test_branches_inside_a_switch(mf_flow, guests, had):
    run = mf_flow("flows/conditionals/branches_in_switch.py", parameters={"guests": guests})

    assert run.value("end", "had") == had
    assert len(run.tasks) == (3 if guests == 1 else 6)


@needs("switch", "branch")
def test_a_join_inside_a_switch_waits_for_both_branches(mf_flow):
    run = mf_flow("flows/conditionals/failing_branch_in_switch.py", expect="failure", compare=False)

    ran = {task.step for task in run.tasks}
    assert run.failed_task.step == "breaks"
    assert "this branch breaks" in run.failed_task.stderr
    assert not ran & {"meet", "shared", "end"}


@needs("switch", "foreach")
@pytest.mark.parametrize(
    ("letters", "report"), [(0, []), (2, ["Ash street", "Birch street"])], ids=["none", "two"]
)
def test_a_foreach_inside_a_switch(mf_flow, letters, report):
    run = mf_flow("flows/conditionals/foreach_in_switch.py", parameters={"letters": letters})

    assert run.value("end", "report") == report
    assert len([task for task in run.tasks if task.step == "carry"]) == letters


@pytest.mark.slow
@needs("switch")
@pytest.mark.parametrize(
    ("given", "did"),
    [
        pytest.param({"wash": "no"}, ["sorted"], id="three_steps_left_out"),
        pytest.param({}, ["washed", "dried", "sorted"], id="one_left_out"),
        pytest.param({"iron": "yes"}, ["washed", "dried", "ironed", "sorted"], id="none_left_out"),
    ],
)
def test_switches_that_leave_steps_out(mf_flow, given, did):
    run = mf_flow("flows/conditionals/skips.py", parameters=given)

    assert run.value("end", "did") == did
    assert len(run.tasks) == len(did) + 2


@needs("switch", "foreach", "join")
def test_items_of_a_foreach_leave_different_steps_out(mf_flow):
    run = mf_flow("flows/conditionals/skips_in_foreach.py")

    assert run.value("join", "ways") == [
        [1, "odd", "checked", "gathered"],
        [2, "even", "checked", "gathered"],
        [3, "gathered"],
    ]


@needs("recursion")
@pytest.mark.parametrize(("tired", "told"), [(False, [4, False]), (True, [0, True])])
def test_a_recursion_with_two_ways_out(mf_flow, tired, told):
    run = mf_flow("flows/conditionals/recursion_two_exits.py", parameters={"tired": tired})

    assert run.value("end", "told") == told
    assert len(run.step("swim")) == max(told[0], 1)


@needs("recursion", "foreach", "join")
def test_each_item_of_a_foreach_recurs_as_often_as_it_needs(mf_flow):
    run = mf_flow("flows/conditionals/recursion_in_foreach.py")

    assert run.value("join", "results") == [["even", 3, 2], ["odd", 3, 1]]
    assert len(run.step("halve")) == 3


@needs("switch", "parallel")
@pytest.mark.parametrize(("hands", "did"), [("one", ["all"]), ("many", ["0 of 2", "1 of 2"])])
def test_a_step_on_several_nodes_inside_a_switch(mf_flow, hands, did):
    run = mf_flow("flows/conditionals/parallel_in_switch.py", parameters={"hands": hands})

    assert run.value("end", "did") == did


@needs("switch", "foreach", "runner")
def test_two_ways_may_end_in_the_join_itself(mf_flow):
    run = mf_flow("flows/conditionals/join_of_two_ways.py", compare=False)

    # From different steps they come in no order that Metaflow promises.
    assert sorted(run.value("join", "kinds")) == ["even", "odd"]


@needs("switch", "foreach", "deployer")
def test_two_ways_that_end_in_the_join_itself_are_refused_at_the_deployment(mf_flow):
    run = mf_flow("flows/conditionals/join_of_two_ways.py", expect="failure")

    assert run.run_id is None
    assert run.tasks == ()


REFUSED = {
    "switch_after_parallel": "lift",
    "catch_on_switch": "start",
    "loop_over_two_steps": "check",
    "recursive_join": "join",
}


@needs("switch")
@pytest.mark.parametrize(("flow", "step"), REFUSED.items(), ids=REFUSED)
def test_a_shape_that_cannot_work_is_refused_before_there_is_a_run(mf_flow, flow, step):
    run = mf_flow(f"flows/conditionals/refused/{flow}.py", expect="failure")

    assert run.run_id is None
    assert run.tasks == ()
    assert step in run.stderr + run.stdout
