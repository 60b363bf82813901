"""What decorators do to attempts, time, environment and the flow itself."""

from __future__ import annotations

import pytest

needs = pytest.mark.needs


@needs("retry")
@pytest.mark.smoke
def test_a_retried_step_is_one_task_with_as_many_attempts_as_it_took(mf_flow):
    run = mf_flow("flows/retry.py")

    shaky = run.task("shaky")
    assert shaky.attempts == 3
    assert shaky.artifacts["attempt"].value == 2
    assert shaky.artifacts["history"].value == [2]
    assert run.task("start").attempts == 1
    assert shaky.stdout == "attempt 2"


@needs("retry")
def test_a_step_that_never_succeeds_uses_all_its_attempts(mf_flow):
    run = mf_flow("flows/retry_exhausted.py", expect="failure")

    assert run.failed_task.attempts == 5
    assert "attempt 4 fails" in run.failed_task.stderr
    assert not run.ran("end")


@needs("retry")
def test_more_retries_than_metaflow_allows_are_refused_before_there_is_a_run(mf_flow):
    run = mf_flow("flows/retry_too_often.py", expect="failure")

    assert not run.ran("start")
    assert "retries" in run.stderr + run.stdout


@needs("catch", "foreach")
@pytest.mark.smoke
def test_what_is_caught_is_handed_on_and_where_nothing_was_none_is(mf_flow):
    run = mf_flow("flows/catch.py")

    assert run.value("join", "results") == [2, None, 4]
    problems = run.value("join", "problems")
    assert [problem is None for problem in problems] == [True, False, True]
    assert "division" in problems[1]


@needs("catch", "retry")
def test_catch_takes_what_the_last_attempt_raised(mf_flow):
    run = mf_flow("flows/catch_retry.py")

    kind, text = run.value("end", "caught")
    assert "KeyError" in kind
    assert "attempt 2" in text
    assert run.task("start").attempts >= 3


@needs("catch", "exit_codes")
def test_catch_stands_in_for_a_step_whose_process_was_killed(mf_flow):
    run = mf_flow("flows/catch_killed.py")

    assert run.value("end", "has_lost") is False
    assert run.value("end", "kind")


@needs("catch", "foreach")
def test_an_exception_that_cannot_be_pickled_is_still_told(mf_flow):
    run = mf_flow("flows/unpicklable_exception.py")

    assert run.value("join", "kinds") == ["HoldsALock", "NeedsTwoArguments"]
    assert run.value("join", "texts") == ["with a lock", "one and two"]


@pytest.fixture
def shortest(backend):
    """Give the shortest @timeout that Metaflow takes on this backend, in seconds."""
    return backend.running.details.get("shortest_timeout", 2)


@needs("timeout")
def test_a_step_over_its_time_fails(mf_flow, shortest):
    limit = f"timeout:seconds={shortest}"

    run = mf_flow("flows/timeout_hit.py", decospecs=[limit], expect="failure")

    assert run.failed_task.step == "start"
    assert "slept enough" not in run.failed_task.stdout
    assert run.seconds < shortest + 60


@needs("timeout", "catch")
def test_a_step_over_its_time_says_so(mf_flow, shortest):
    run = mf_flow("flows/timeout_told.py", decospecs=[f"timeout:seconds={shortest}"])

    kind, text = run.value("end", "told")
    assert "Timeout" in kind
    assert "timed out" in text.lower()


@needs("timeout")
def test_a_step_within_its_time_is_left_alone(mf_flow):
    run = mf_flow(
        "flows/timeout_hit.py", decospecs=["timeout:seconds=60"], parameters={"seconds": 0}
    )

    assert run.task("start").stdout.endswith("slept enough")


@needs("timeout", "catch", "foreach", "config")
def test_a_timeout_is_caught_and_disturbs_no_one_else(mf_flow, shortest):
    limits = {"seconds": shortest}

    run = mf_flow("flows/timeout_caught.py", top={"config_value": [("limits", limits)]})

    kinds = run.value("join", "kinds")
    assert [kind is None for kind in kinds] == [False, True, True]
    assert run.value("end", "rested") is True


@needs("environment")
def test_variables_are_set_for_the_step_that_names_them_only(mf_flow):
    run = mf_flow("flows/environment_variables.py")

    here = run.value("start", "here")
    assert here["CONFORMANCE_PLAIN"] == "1"
    assert here["CONFORMANCE_ODD"] == 'a b="c" $HOME \' \\ größe'
    assert set(run.value("end", "elsewhere").values()) == {None}


@needs("resources")
def test_resources_that_are_there_are_granted(mf_flow):
    run = mf_flow("flows/resource_request.py")

    assert run.value("end", "too") == 499500


@needs("mutators", "retry", "environment")
def test_mutators_add_parameters_decorators_and_code(mf_flow):
    run = mf_flow("flows/mutators.py")

    work = run.task("work")
    assert work.attempts == 2
    assert work.artifacts["answer"].value == 42
    assert work.artifacts["variable"].value == "work"
    assert work.artifacts["before"].value == "before work"
    assert work.artifacts["after"].value == "after work, which had answer 42"


@needs("project")
def test_a_project_names_branch_and_flow(mf_flow):
    run = mf_flow("flows/project.py")

    facts = run.value("start", "facts")
    assert facts["project"] == "conformance_project"
    assert facts["production"] is False
    assert facts["user_branch"] is True
    assert facts["flow"] == f"conformance_project.{facts['branch']}.ProjectFlow"
    assert "project:conformance_project" in run.system_tags


@needs("cards")
def test_cards_are_rendered_beside_the_run(mf_flow, backend, tmp_path):
    run = mf_flow("flows/cards.py")

    assert run.value("start", "value") == 7
    assert {task.status for task in run.tasks} == {"succeeded"}
    if backend.name == "local":  # Metaflow keeps local cards below the working directory
        pages = {path.name.partition("-")[0]: path.read_text() for path in cards_below(tmp_path)}
        assert set(pages) == {"default", "blank"}
        assert all("<html" in page for page in pages.values())


def cards_below(folder):
    return sorted(folder.glob(".metaflow/mf.cards/**/*.html"))
