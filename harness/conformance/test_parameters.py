"""What goes into a flow: parameters, files, settings, constants."""

from __future__ import annotations

import pytest

needs = pytest.mark.needs


@needs("parameters", "branch")
@pytest.mark.smoke
def test_parameters_have_their_types_and_defaults_and_cannot_be_changed(mf_flow):
    run = mf_flow("flows/parameters.py")

    assert run.value("start", "types") == {
        "text": "str",
        "count": "int",
        "ratio": "float",
        "flag": "bool",
        "switched_on": "bool",
        "settings": "dict",
        "many": "list",
        "nothing": "NoneType",
        "dashed": "int",
    }
    assert "not modifiable" in run.value("start", "refusal")
    assert run.value("join", "agree") is True
    assert run.value("end", "depth") == 2


@needs("parameters")
def test_parameters_take_what_the_run_is_given(mf_flow):
    given = {
        "text": "two words",
        "count": -4,
        "ratio": 1e-9,
        "flag": True,
        "settings": {"depth": 9},
        "many": "p,q,r",
    }

    run = mf_flow("flows/parameters.py", parameters=given)

    start = run.task("start").artifacts
    assert start["text"].value == given["text"]
    assert (start["count"].value, start["ratio"].value) == (-4, 1e-9)
    assert start["flag"].value is True
    assert start["many"].value == ["p", "q", "r"]
    assert run.value("end", "depth") == 9


TEXTS = {"umlauts": "größe", "quotes": '"quoted"', "shell": "& $HOME `id` \\ *"}


@needs("parameters")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_arrives_to_the_letter(mf_flow, text):
    run = mf_flow("flows/parameter_text.py", parameters={"text": text})

    assert run.value("end", "again") == text


@needs("parameters")
def test_defaults_may_be_functions_that_are_called_before_the_run(mf_flow):
    run = mf_flow("flows/parameter_delayed.py")

    assert run.value("start", "total") == 10
    assert run.value("end", "said") == "HELLO FROM PARAMETERDELAYEDFLOW TO GREETING"


@needs("parameters")
def test_a_required_parameter_is_asked_for_before_there_is_a_run(mf_flow):
    run = mf_flow("flows/parameter_required.py", expect="failure")

    assert run.run_id is None
    assert "year" in run.stderr + run.stdout


@needs("parameters")
def test_a_required_parameter_that_is_given_is_used(mf_flow):
    run = mf_flow("flows/parameter_required.py", parameters={"year": 2026})

    assert run.value("end", "next_year") == 2027


@needs("parameters")
def test_included_files_become_artifacts(mf_flow):
    run = mf_flow("flows/include_file.py")

    assert run.value("start", "same") is True
    assert run.value("start", "rows")[0] == ["name", "height"]
    assert run.value("end", "is_absent") is True
    assert len(run.value("end", "names")) == len(run.value("start", "rows")) - 1


@needs("config", "environment")
def test_config_reaches_steps_decorators_and_defaults(mf_flow):
    run = mf_flow("flows/config.py")

    start = run.task("start").artifacts
    assert start["mode"].value == "quiet"
    assert start["a"].value == "1"
    assert start["variable"].value.endswith("/quiet")
    assert start["limits"].value["rows"] == run.value("end", "again")[2]
    assert start["version"].value == run.value("end", "again")[0]


@needs("config")
def test_config_values_can_be_replaced_when_the_run_starts(mf_flow):
    run = mf_flow("flows/config.py", top={"config_value": [("inline", {"mode": "loud"})]})

    assert run.value("start", "mode") == "loud"
    assert run.value("start", "variable").endswith("/loud")


@needs("linear")
def test_constants_of_the_class_are_seen_everywhere_and_never_changed(mf_flow):
    run = mf_flow("flows/constants.py")

    assert run.value("start", "doubled") == 6
    assert "not modifiable" in run.value("start", "refusal")
    assert run.value("end", "still") == 3
