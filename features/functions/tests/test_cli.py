"""`metaflow function ...` as programs, with their exit codes and one-line mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("task")
METAFLOW = str(Path(sys.executable).with_name("metaflow"))


@pytest.fixture
def said(variables, home):
    def run(*argv, given=None):
        done = subprocess.run(
            [METAFLOW, "function", *argv], cwd=home, env=variables, text=True, input=given,
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        out = [line for line in done.stdout.splitlines() if not line.startswith("Metaflow ")]
        return done.returncode, "\n".join(out).strip(), done.stderr.strip()

    return run


def test_what_was_bound_is_listed_shown_and_explained(said, bound):
    reference = bound("predict", example={"a": 1, "b": 2})

    code, listed, _ = said("list", "--json")
    _, lines, _ = said("list")
    _, shown, _ = said("show", reference)
    _, as_it_is, _ = said("show", reference, "--json")
    _, explained, _ = said("explain", reference)

    assert code == 0
    assert reference in {row["location"] for row in json.loads(listed)}
    assert reference in lines
    assert "artifact     model (" in shown
    assert json.loads(as_it_is)["function"]["name"] == "predict"
    assert explained.startswith("predict takes one record and feature_names, model of Training")
    assert explained.endswith("This interpreter has all its packages, so it runs with this one.")


def test_records_are_run(said, bound):
    reference = bound("predict")

    assert said("run", reference, '{"a": 1, "b": 2}') == (0, '{"prediction":6}', "")
    code, out, _ = said("run", reference, "-", given='{"a": 1, "b": 2}\n{"a": 2, "b": 2}\n')
    assert (code, out) == (0, '{"prediction":6}\n{"prediction":8}')


WRONG = {
    "no json": ("{", "metaflow function: no JSON: unexpected end"),
    "no object": ("[]", "metaflow function: a JSON object is wanted, not list"),
    "function raises": ("{}", "metaflow function: KeyError: 'a'"),
}


@pytest.mark.parametrize(("record", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_line_and_ends_with_1(said, bound, record, message):
    code, out, err = said("run", bound("predict"), record)

    assert (code, out) == (1, "")
    assert err.startswith(message)
    assert "\n" not in err


def test_check_replays_the_example_and_is_red_if_it_gives_something_else(said, bound, tmp_path):
    from metaflow import function_from_json

    good = bound("predict", example={"a": 1, "b": 2})
    path = Path(function_from_json(good, backend="local").export(tmp_path / "b"))
    told = json.loads(path.read_text())
    told["example"]["output_sha256"] = "0" * 64
    path.write_text(json.dumps(told))

    code, out, _ = said("check", good)
    bad_code, bad, _ = said("check", str(path))
    gone_code, gone, _ = said("check", str(tmp_path / "none"))

    assert code == 0
    assert [line[:4] for line in out.splitlines()] == ["pass"] * 4
    assert bad_code == 1
    assert "FAIL  example: gives {'prediction': 6}, not what it gave at bind" in bad
    assert (gone_code, gone[:4]) == (1, "FAIL")


def test_diff_names_what_differs(said, bound, task):
    from metaflow import JsonFunction

    other_task = task.parent.parent["end"].task
    first = bound("predict")
    other = JsonFunction(__import__("scoring").typed_params, task=other_task).reference

    code, out, _ = said("diff", first, other)

    assert code == 1
    lines = out.splitlines()
    assert any(line.startswith("~ artifact model ") for line in lines)
    assert "~ function name predict -> typed_params" in lines
    assert not any(" file " in line or "feature_names " in line for line in lines)
    assert said("diff", first, first) == (0, "", "")


def test_where_there_are_no_runs_it_is_said(variables, tmp_path):
    kept = {n: v for n, v in variables.items() if "SYSROOT" not in n}
    done = subprocess.run(
        [METAFLOW, "function", "list"], cwd=tmp_path, env=kept, text=True, capture_output=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith("metaflow function: no .metaflow here or above: give --root")
