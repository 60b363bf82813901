"""The shape of a flow decides which tasks there are, what they see and in which order they join."""

from __future__ import annotations

import pytest

needs = pytest.mark.needs


@needs("linear")
def test_values_travel_along_a_line(mf_flow):
    run = mf_flow("flows/linear.py")

    assert [task.step for task in run.tasks] == ["start", "middle", "end"]
    assert run.value("end", "number") == 21
    assert run.value("end", "history") == ["start", "middle", "end"]
    assert run.value("start", "history") == ["start"]
    assert len({task.artifacts["untouched"].digest for task in run.tasks}) == 1
    assert {task.attempts for task in run.tasks} == {1}
    assert run.task("start").stdout == "start says hello"


@needs("branch", "join")
def test_branches_are_isolated_and_meet_in_a_join(mf_flow):
    run = mf_flow("flows/branch.py")

    assert run.value("join", "total") == 23
    assert run.value("join", "isolated") is True
    assert run.value("join", "inherits_base") is False
    assert run.value("end", "doubled") == 46
    assert {task.step for task in run.tasks} == {"start", "left", "right", "join", "end"}


@needs("foreach", "join")
@pytest.mark.smoke
def test_a_foreach_gives_each_task_its_item_and_joins_in_order(mf_flow):
    run = mf_flow("flows/foreach.py")

    work = run.step("work")
    assert [task.index for task in work] == ["0", "1", "2", "3"]
    assert [task.artifacts["position"].value for task in work] == [0, 1, 2, 3]
    assert run.value("join", "shouts") == ["ALPHA", "BETA", "GRÖSSE", ""]
    assert run.value("join", "positions") == [0, 1, 2, 3]
    assert run.value("join", "outside") == [None, None]
    assert work[2].stdout == "item 2: 'größe'"


@needs("foreach", "join")
@pytest.mark.slow
def test_fifty_items_are_each_worked_on_once_and_joined_in_order(mf_flow):
    run = mf_flow("flows/foreach_fifty.py")

    expected = [number**2 for number in range(100, 150)]
    assert [task.artifacts["squared"].value for task in run.step("square")] == expected
    assert run.value("join", "squares") == expected
    assert {task.attempts for task in run.tasks} == {1}


@needs("foreach")
def test_a_foreach_over_nothing_fails_at_the_step_that_asks_for_it(mf_flow):
    run = mf_flow("flows/foreach_empty.py", expect="failure")

    assert not run.ran("work")
    assert not run.ran("end")


@needs("nested_foreach")
def test_a_foreach_goes_over_any_sequence(mf_flow):
    run = mf_flow("flows/foreach_kinds.py")

    expected = {"text": ["a", "b"], "tuple": [1, None, 2.5], "range": [2, 3]}
    assert run.value("join", "seen") == expected
    assert len(run.step("work")) == 7


@needs("nested_foreach")
def test_a_foreach_inside_a_foreach_keeps_both_orders(mf_flow):
    run = mf_flow("flows/nested_foreach.py")

    indices = ["0/0", "0/1", "1/0", "2/0", "2/1", "2/2"]
    inner = run.step("inner")
    assert [task.index for task in inner] == indices
    assert inner[4].artifacts["stack"].value == [[2, 3], [1, 3]]  # (index, how many) by level
    labels = [["0.0=a", "0.1=b"], ["1.0=c"], ["2.0=d", "2.1=e", "2.2=f"]]
    assert run.value("outer_join", "all_labels") == labels
    assert run.value("outer_join", "order") == [0, 1, 2]
    assert [task.index for task in run.step("inner_join")] == ["0", "1", "2"]
    assert run.value("end", "count") == 6


@needs("foreach", "branch", "join")
def test_a_branch_inside_a_foreach_belongs_to_its_item(mf_flow):
    run = mf_flow("flows/branch_in_foreach.py")

    assert run.value("collect", "lines") == ["0: 2 -> (4, 4)", "1: 3 -> (6, 9)"]
    for name in ("item", "double", "square", "both", "after"):
        assert [task.index for task in run.step(name)] == ["0", "1"], name


@needs("foreach", "branch", "join")
def test_branches_join_only_after_the_foreach_in_one_of_them(mf_flow):
    run = mf_flow("flows/foreach_in_branch.py")

    assert run.value("meet", "result") == [60, True]
    assert len(run.step("work")) == 3


@needs("switch")
@pytest.mark.parametrize(
    ("size", "steps", "told"),
    [
        pytest.param(5, ["start", "small", "end"], "the small way", id="default"),
        pytest.param(10, ["start", "large", "end"], "the large way", id="other"),
        pytest.param(
            100, ["start", "huge", "detour", "end"], "the huge way, with a detour", id="long"
        ),
    ],
)
def test_a_switch_takes_one_way_and_runs_no_other_step(mf_flow, size, steps, told):
    run = mf_flow("flows/switch.py", parameters={"size": size})

    assert [task.step for task in run.tasks] == steps
    assert run.value("end", "told") == told


@needs("switch")
def test_a_switch_to_an_unknown_case_fails_and_names_the_cases(mf_flow):
    run = mf_flow("flows/switch_unknown.py", expect="failure")

    assert {task.step for task in run.tasks} == {"start"}


@needs("recursion")
def test_a_step_recurs_until_its_condition_says_stop(mf_flow):
    run = mf_flow("flows/recursion.py")

    assert run.value("end", "path") == [27, 82, 41, 124, 62, 31]
    rounds = run.step("collatz")
    assert [task.artifacts["value"].value for task in rounds] == [82, 41, 124, 62, 31]
    assert [task.artifacts["state"].value for task in rounds] == ["more"] * 4 + ["done"]
    assert len({task.pathspec for task in rounds}) == 5
    assert run.value("end", "rounds") == 5


@needs("switch", "foreach", "join")
def test_each_item_of_a_foreach_takes_its_own_way(mf_flow):
    run = mf_flow("flows/switch_in_foreach.py")

    assert run.value("join", "labels") == ["1 is odd", "2 is even", "3 is odd"]
    assert [task.index for task in run.step("odd")] == ["0", "2"]
    assert [task.index for task in run.step("even")] == ["1"]


@needs("branch", "join")
def test_a_join_merges_what_is_unambiguous(mf_flow):
    run = mf_flow("flows/merge_artifacts.py")

    join = run.task("join").artifacts
    assert join["shared"].value == "from start"
    assert join["only_left"].value == "left"
    assert join["same"].value == [1, 2]
    assert join["torn"].value == "left+right"
    assert join["lacks"].value is True
    assert "only_right" not in join
    assert run.value("end", "missing") == ["only_left", "same", "extra"]
    assert run.value("end", "torn") == "left+right"


@needs("branch", "join")
def test_a_join_refuses_to_guess_between_two_values(mf_flow):
    run = mf_flow("flows/merge_conflict.py", expect="failure")

    assert run.failed_task is not None
    assert run.failed_task.step == "join"
    assert "torn" in run.failed_task.stderr
    assert not run.ran("end")


@needs("linear", "parameters")
def test_a_flow_inherits_steps_and_parameters_from_its_base_class(mf_flow):
    run = mf_flow("flows/inherited.py", parameters={"factor": 2})

    assert run.flow == "InheritedFlow"
    assert run.value("end", "final") == "28 t, of the subclass"
    assert run.value("end", "unit") == "t"


@needs("linear")
def test_artifacts_are_values_and_not_references(mf_flow):
    run = mf_flow("flows/value_semantics.py")

    start = run.task("start").artifacts
    assert start["rebound"].value == "after"
    assert start["grown"].value == [1, 2]
    assert "removed" not in start
    end = run.task("end").artifacts
    assert end["equal_at_first"].value is True
    assert end["equal_at_last"].value is False
    assert end["gone"].value is True


@needs("linear")
def test_a_step_that_goes_on_after_next_is_refused_before_there_is_a_run(mf_flow):
    run = mf_flow("flows/next_not_last.py", expect="failure")

    assert run.run_id is None
    assert run.tasks == ()
    assert "Step start is missing a self.next() transition" in run.stderr
