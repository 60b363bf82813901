from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends import records
from pytest_metaflow_backends.records import (
    Attempt,
    BackendEvent,
    Outcome,
    Plan,
    Result,
    Started,
    build,
    lines,
    to_line,
)


@given(text=st.text())
def test_any_text_makes_one_line_of_ascii_and_comes_back(text):
    """Newlines, NUL, surrogates: a record is one line whatever a test printed."""
    line = to_line(Started(id=text))

    assert line.count("\n") == 1
    assert line.isascii()
    assert json.loads(line).get("id", "") == text


def test_the_first_key_is_the_kind_and_empty_fields_are_left_out():
    expected = {
        "kind": "backend",
        "backend": "k8s",
        "state": "up",
        "seconds": 0.0,
        "required": False,
    }

    actual = json.loads(to_line(BackendEvent(backend="k8s", state="up")))

    assert expected == actual
    assert next(iter(actual)) == "kind"


def test_a_result_comes_back_with_its_attempts():
    attempt = Attempt(n=1, phase="call", outcome=Outcome.FAILED, message="m")
    result = Result(id="a", key="a", outcome=Outcome.PASSED, attempts=(attempt,))
    data = json.loads(to_line(result))

    actual = build(Attempt, data["attempts"][0])

    assert actual.message == "m"
    assert actual.outcome == "failed"


def test_unknown_keys_of_a_later_version_are_passed_over():
    assert build(Started, {"kind": "running", "id": "x", "later": 1}) == Started(id="x")


def test_a_torn_last_line_is_not_a_record(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text(to_line(Plan(tests=(("a", "a"),))) + '{"kind": "resu', encoding="ascii")

    assert [line["kind"] for line in lines(path)] == ["plan"]


def test_damage_in_the_middle_names_file_and_line(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_text("{}\nnonsense\n{}\n", encoding="ascii")

    with pytest.raises(ValueError, match=r"r\.jsonl:2: not a record"):
        list(lines(path))


def test_every_kind_has_a_name_of_its_own():
    assert len(records.KINDS) == len(set(records.KINDS.values()))


def test_a_session_names_paths_from_the_top_of_its_project(project):
    """A later attempt of a job, at another place of another machine, has the same arguments."""
    project.test_file("def test_a(backend): pass")
    here = str(project.path)

    project.record(f"--metaflow-state={here}/state", f"--rootdir={here}", f"{here}/test_it.py")

    args = next(line for line in project.lines() if line["kind"] == "session")["args"]
    assert "--metaflow-state=state" in args
    assert args[-1] == "test_it.py"
    assert not any(here in arg for arg in args)


def test_the_message_of_a_failure_keeps_how_it_begins_and_how_it_ends(project):
    """That of a flow begins with the task that failed, and ends with the last line of its log."""
    project.test_file(
        """
        def test_a(backend):
            raise ValueError("the beginning " + "x" * 5_000 + " the end")
        """
    )
    _, lines = project.record()
    (attempt,) = next(line for line in lines if line["kind"] == "result")["attempts"]

    assert attempt["message"].startswith("the beginning xxx")
    assert attempt["message"].endswith("xxx the end")
    assert len(attempt["message"]) < 2_100
