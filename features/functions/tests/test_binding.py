"""Binding to tasks of plain runs: what is captured, and what is refused before all work."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from metaflow_extensions.functions.errors import BindError, DeclarationError


def said(reference):
    return json.loads(Path(reference).read_text(encoding="utf-8"))


def test_only_what_is_used_is_captured(bound, home):
    reference = said(bound("predict"))

    assert set(reference["artifacts"]) == {"model", "feature_names"}
    assert reference["code"]["files"] == ["models.py", "scoring.py"]
    assert reference["function"]["doc"] == "Add up and double."
    assert reference["environment"]["python"] == platform.python_version()
    assert {"numpy", "metaflow", "orjson", "pydantic"} <= set(reference["environment"]["packages"])
    assert not {"pytest", "pandas"} & set(reference["environment"]["packages"])
    assert (home / ".metaflow/mf.functions") in Path(bound("predict")).parents


def test_a_reference_is_small_and_the_same_for_the_same(bound):
    first, second = bound("predict"), bound("predict")

    assert first == second
    assert Path(first).stat().st_size < 6_000


def test_an_argument_that_goes_elsewhere_takes_all_artifacts(bound, opened):
    assert {"model", "threshold", "words"} <= set(said(bound("all_params"))["artifacts"])
    assert opened("all_params", "local")({}) == [
        "feature_names", "model", "threshold", "words",
    ]  # fmt: skip


def test_no_params_no_artifacts(bound):
    assert said(bound("echo"))["artifacts"] == {}


def test_the_example_is_run_and_what_it_gave_is_kept(bound):
    example = said(bound("predict", example={"a": 1, "b": 2}))["example"]

    assert example["record"] == {"a": 1, "b": 2}
    assert len(example["output_sha256"]) == 64
    assert example["milliseconds"] > 0


def test_an_example_may_be_a_model(bound, scoring):
    assert said(bound("add", example=scoring.Point(x=1)))["example"]["record"] == {"x": 1.0, "y": 0}


def test_an_example_that_fails_is_a_bind_that_fails_and_writes_nothing(bound, tmp_path):
    with pytest.raises(BindError, match=r"^the example failed: KeyError: 'b'$"):
        bound("predict", example={"a": 1}, root=str(tmp_path))

    assert list(tmp_path.iterdir()) == []


WRONG = {
    "artifact of another type": ("wrong_params", "artifact words is str, and WronglyTrained says"),
    "missing artifact": ("lacking", "has no artifact 'nothing'; it has: feature_names, model"),
}


@pytest.mark.parametrize(("name", "message"), WRONG.values(), ids=WRONG)
def test_artifacts_are_held_against_what_the_function_says(bound, name, message):
    with pytest.raises(BindError, match=message) as raised:
        bound(name)

    assert "\n" not in str(raised.value)


def test_a_task_by_its_pathspec(task, scoring):
    from metaflow import JsonFunction

    function = JsonFunction(scoring.predict, task=task.pathspec, backend="local")

    assert function({"a": 1, "b": 2}) == {"prediction": 6}
    assert function.about.task == task.pathspec


NO_TASKS = {
    "no such run": ("TrainingFlow/1/start/1", "TrainingFlow/1/start/1"),
    "no such flow": ("NoFlow/1/start/1", "NoFlow/1/start/1"),
    "no pathspec": ("TrainingFlow", "TrainingFlow"),
    "no task": (7, "a Task or the pathspec of one is wanted"),
}


@pytest.mark.parametrize(("given", "message"), NO_TASKS.values(), ids=NO_TASKS)
@pytest.mark.usefixtures("task")
def test_what_is_no_task_is_refused_in_one_line(scoring, given, message):
    from metaflow import JsonFunction

    with pytest.raises(BindError, match=message) as raised:
        JsonFunction(scoring.predict, task=given)

    assert "\n" not in str(raised.value).strip()


def test_a_task_of_another_namespace_is_refused(task, scoring, client):
    from metaflow import JsonFunction

    client.namespace("user:somebody")

    with pytest.raises(BindError, match="namespace"):
        JsonFunction(scoring.predict, task=task.pathspec)


def test_a_task_that_failed_is_refused(run_flow, client, scoring):
    from metaflow import JsonFunction

    code, _ = run_flow("failing.py")
    task = client.Flow("FailingFlow").latest_run["end"].task

    assert code != 0
    with pytest.raises(BindError, match="bind to a task that has succeeded"):
        JsonFunction(scoring.echo, task=task)


def test_a_task_of_another_python_is_refused(task, scoring, monkeypatch):
    from metaflow import JsonFunction

    monkeypatch.setattr(platform, "python_version", lambda: "3.9.1")

    with pytest.raises(BindError, match=r"ran on Python .*, and this is 3\.9\.1: bind with"):
        JsonFunction(scoring.predict, task=task)


def test_a_class_of_the_flows_own_file_is_refused(run_flow, client, scoring, tmp_path):
    from metaflow import JsonFunction

    (tmp_path / "inline.py").write_text(
        "from metaflow import FlowSpec, step\n"
        "class Inline: pass\n"
        "class InlineFlow(FlowSpec):\n"
        "    @step\n    def start(self):\n"
        "        self.model, self.feature_names = Inline(), []\n        self.next(self.end)\n"
        "    @step\n    def end(self): pass\n"
        "if __name__ == '__main__': InlineFlow()\n"
    )
    code, output = run_flow("inline.py", tmp_path)
    assert code == 0, output

    with pytest.raises(BindError, match=r"artifact model (cannot be loaded|holds a class)"):
        JsonFunction(scoring.predict, task=client.Flow("InlineFlow").latest_run["start"].task)


def test_unknown_requirements_and_files_are_refused(bound):
    with pytest.raises(BindError, match="no-such-thing is not installed here"):
        bound("echo", requirements=["no-such-thing"])
    with pytest.raises(BindError, match=r"include='\*.nothing': no such file"):
        bound("echo", include=["*.nothing"])


def test_what_is_added_is_captured(bound):
    reference = said(bound("echo", requirements=["psutil"], include=["first/*.py"]))

    assert "psutil" in reference["environment"]["packages"]
    assert "first/helping.py" in reference["code"]["files"]


def test_an_unknown_backend_is_refused_before_anything_else(scoring):
    from metaflow import JsonFunction, function_from_json
    from metaflow_extensions.functions.errors import FunctionError

    with pytest.raises(FunctionError, match="no backend is called 'proces': did you mean 'proce"):
        JsonFunction(scoring.echo, task=None, backend="proces")
    with pytest.raises(FunctionError, match="no backend is called 'x': there are local, process"):
        function_from_json("nowhere", backend="x")


def test_an_unknown_option_is_refused(bound):
    from metaflow import function_from_json
    from metaflow_extensions.functions.errors import FunctionError

    function = function_from_json(bound("echo"), backend="local", workers=2)
    with pytest.raises(FunctionError, match="backend 'local' has no option 'workers'"):
        function({})


NOTEBOOK = """
import json
from metaflow import Flow, FunctionParameters, JsonFunction, function_from_json, json_function
import models

OFFSET = 10

def helped(value):
    import models as again
    return value + OFFSET + (again.Doubling(1).factor - models.Doubling(1).factor)

@json_function
def predict(data: dict, params: FunctionParameters) -> dict:
    return {"prediction": helped(params.model.predict([[data["a"]]])[0])}

task = Flow("TrainingFlow").latest_run["start"].task
fn = JsonFunction(predict, task=task)
print(fn.reference)
for backend in ("local", "process"):
    with function_from_json(fn.reference, backend=backend) as loaded:
        print(json.dumps(loaded({"a": 1})))
"""


@pytest.mark.usefixtures("task")
def test_a_function_of_main_is_captured_by_value(variables):
    from metaflow import function_from_json

    path = f"{Path(__file__).parent / 'flows'}"
    done = subprocess.run(
        [sys.executable, "-c", NOTEBOOK], env={**variables, "PYTHONPATH": path}, text=True,
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    reference, *results = done.stdout.split("\n")[:3]

    assert [json.loads(line) for line in results] == [{"prediction": 12}] * 2
    assert said(reference)["code"]["files"] == ["__function__.pickle", "models.py"]
    assert function_from_json(reference, backend="local")({"a": 2}) == {"prediction": 14}


def test_a_decorated_function_stays_what_it_was(scoring):
    from metaflow import FunctionParameters

    params = FunctionParameters(model=scoring.Doubling(1), feature_names=["a"])

    assert scoring.predict({"a": 3}, params) == {"prediction": 3}
    assert repr(params) == "FunctionParameters(feature_names, model)"
    with pytest.raises(AttributeError, match="without the artifact 'other'; it has feature_names"):
        _ = params.other


def test_a_local_type_that_cannot_be_resolved_is_refused(task):
    from metaflow import JsonFunction

    def body(data: Missing) -> int: ...  # noqa: F821

    with pytest.raises(DeclarationError, match="name 'Missing' is not defined"):
        JsonFunction(body, task=task)


def test_loading_metaflow_stays_quick():
    """A count that no clock spoils: a few small modules of ours beyond plain Metaflow."""
    code = "import sys, metaflow; print(*[m for m in sys.modules])"
    loaded = subprocess.check_output([sys.executable, "-c", code], text=True, env=os.environ)

    ours = [m for m in loaded.split() if m.startswith("metaflow_extensions.functions.")]
    assert len(ours) < 12
    assert not {"pydantic", "orjson", "cloudpickle", "fastapi", "packaging"} & set(loaded.split())
