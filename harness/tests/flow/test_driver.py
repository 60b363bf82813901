"""Real flows with the real Metaflow on the local datastore: what the outcome says of each."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.flow import FlowOutcome, FlowRequest, run_flow

FOREACH = """
    from metaflow import FlowSpec, Parameter, retry, step, current

    class Squares(FlowSpec):
        count = Parameter("count", type=int, default=2)

        @step
        def start(self):
            print("counting to", self.count)
            self.items = list(range(self.count))
            self.next(self.square, foreach="items")

        @retry(times=1, minutes_between_retries=0)
        @step
        def square(self):
            if self.input == 1 and current.retry_count == 0:
                raise RuntimeError("only once")
            self.result = self.input ** 2
            self.next(self.join)

        @step
        def join(self, inputs):
            self.total = sum(i.result for i in inputs)
            self.next(self.end)

        @step
        def end(self):
            pass

    if __name__ == "__main__":
        Squares()
"""

ONE_STEP = """
    from metaflow import FlowSpec, step

    class One(FlowSpec):
        @step
        def start(self):
            {body}
            self.next(self.end)

        @step
        def end(self):
            pass

    if __name__ == "__main__":
        One()
"""


def test_a_run_is_described_with_tasks_in_foreach_order_attempts_values_and_tags(desk):
    """One run proves: parameters and tags arrive; siblings are ordered by index; a retried task
    counts two attempts and is a success; values are carried; the whole survives JSON."""
    outcome = desk.run(FOREACH, parameters={"count": 3}, tags=("mine",))

    assert (outcome.status, outcome.exit_code, outcome.flow) == ("succeeded", 0, "Squares")
    assert [(t.step, t.index, t.attempts, t.status) for t in outcome.tasks] == [
        ("start", "", 1, "succeeded"),
        ("square", "0", 1, "succeeded"),
        ("square", "1", 2, "succeeded"),
        ("square", "2", 1, "succeeded"),
        ("join", "", 1, "succeeded"),
        ("end", "", 1, "succeeded"),
    ]
    assert outcome.value("join", "total") == 5
    assert outcome.task("join").artifacts["total"].type == "int"
    assert outcome.tags == ("mine",)
    assert "user:tester" in outcome.system_tags
    assert outcome.task("start").stdout == "counting to 3"
    assert outcome.task("start").stdout_all.lines == 1
    assert outcome.task("start").metadata["attempt_ok"] == "True"
    assert outcome.failed_task is None
    assert FlowOutcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome


def test_a_failing_step_is_named_with_the_tail_of_its_output(desk):
    """Output of 10,000 lines and bytes that are not UTF-8 neither break nor bloat the outcome."""
    outcome = desk.run(
        """
        import sys
        from metaflow import FlowSpec, step

        class Fails(FlowSpec):
            @step
            def start(self):
                self.before = "kept"
                for number in range(10_000):
                    print("line", number)
                sys.stdout.flush()
                sys.stdout.buffer.write(b"not \\xff utf-8\\n")
                raise ValueError("the reason")
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            Fails()
        """,
        tail_lines=50,
    )

    failed = outcome.failed_task
    assert (outcome.status, outcome.exit_code) == ("failed", 1)
    assert failed is outcome.task("start")
    assert "ValueError: the reason" in failed.stderr
    assert failed.stdout.splitlines()[-2:] == ["line 9999", "not \N{REPLACEMENT CHARACTER} utf-8"]
    assert len(failed.stdout.splitlines()) == 50
    assert failed.stdout_all.lines == 10_001
    assert outcome.value("start", "before") == "kept"


EARLY_ENDS = {
    "a syntax error": ("def broken(:\n    pass\n", "SyntaxError"),
    "an import that fails": ("import no_such_module_anywhere\n", "no_such_module_anywhere"),
    "no flow in the file": ("x = 1\n", "No FlowSpec class found"),
    "an exit at import": ("import sys\nsys.exit('not today')\n", "not today"),
    "a process that ends at import": ("import os\nos._exit(7)\n", ""),
    "a failing __init__": (
        """
        from metaflow import FlowSpec, step

        class Broken(FlowSpec):
            def __init__(self, **options):
                raise RuntimeError("no flow today")

            @step
            def start(self):
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            Broken()
        """,
        "no flow today",
    ),
    "a graph that is not valid": (
        ONE_STEP.format(body="x = 1").replace("self.next(self.end)", ""),
        "Validity checker",
    ),
    "a file that never calls its flow": (
        ONE_STEP.format(body="x = 1").replace("        One()", "        pass"),
        "",
    ),
    "output that is not UTF-8 and more than a pipe holds": (
        ONE_STEP.format(body="x = 1").replace(
            "        One()",
            "        import os, sys\n        os.write(2, b'\\xff' * 200_000)\n        sys.exit(9)",
        ),
        "\N{REPLACEMENT CHARACTER}",
    ),
}


@pytest.mark.parametrize(("text", "said"), EARLY_ENDS.values(), ids=EARLY_ENDS)
def test_a_flow_that_ends_before_a_run_exists_is_a_failed_outcome(desk, text, said):
    outcome = desk.run(text)

    assert (outcome.run_id, outcome.status, outcome.tasks) == (None, "failed", ())
    assert outcome.exit_code != 0
    assert said in outcome.stderr


@pytest.mark.parametrize(
    "parameters", [{"count": "many"}, {"cuont": 3}], ids=["wrong type", "unknown name"]
)
def test_a_bad_parameter_is_a_failed_outcome_that_names_it(desk, parameters):
    outcome = desk.run(FOREACH, parameters=parameters)

    assert (outcome.run_id, outcome.status) == (None, "failed")
    assert next(iter(parameters)) in outcome.stderr


def test_artifacts_of_any_class_are_described_and_only_plain_small_ones_carried(desk):
    """Classes of the flow file, numpy, pandas, names that are not ASCII, what cannot be unpickled
    here: each has a type, a size, a digest; equal values made in different ways are equal."""
    outcome = desk.run(
        """
        import dataclasses, os, sys, types
        import numpy, pandas
        from metaflow import FlowSpec, step

        @dataclasses.dataclass
        class Point:
            x: int

        if __name__ == "__main__":
            only_here = types.ModuleType("only_here")
            sys.modules["only_here"] = only_here
            class Foreign: pass
            Foreign.__module__, Foreign.__qualname__ = "only_here", "Foreign"
            only_here.Foreign = Foreign

        class Things(FlowSpec):
            @step
            def start(self):
                setattr(self, "größe", 3)
                self.empty = b""
                self.point = Point(2)
                self.foreign = Foreign()
                self.array = numpy.arange(6).reshape(2, 3)
                self.turned = numpy.asfortranarray(numpy.arange(6).reshape(2, 3))
                self.frame = pandas.DataFrame({"a": [1, 2]})
                self.number = numpy.float64(0.5)
                self.pair = (1, [2, {"three": None}])
                self.long = "x" * 20_000
                self.next(self.end)

            @step
            def end(self):
                pass

        if __name__ == "__main__":
            Things()
        """
    )

    found = outcome.task("start").artifacts
    assert outcome.successful, outcome.stderr
    assert {name: found[name].type for name in ("größe", "empty", "point", "foreign", "array")} == {
        "größe": "int",
        "empty": "bytes",
        "point": "__main__.Point",
        "foreign": "only_here.Foreign",
        "array": "numpy.ndarray",
    }
    assert found["array"].digest == found["turned"].digest
    assert found["foreign"].digest.startswith("stored:")
    assert [n for n, a in found.items() if a.digest.startswith("stored:")] == ["foreign"]
    assert {name: found[name].value for name in ("größe", "number", "pair")} == {
        "größe": 3,
        "number": 0.5,
        "pair": [1, [2, {"three": None}]],
    }
    opaque = {name for name, artifact in found.items() if repr(artifact.value) == "<opaque>"}
    assert opaque == {"empty", "point", "foreign", "array", "turned", "frame", "long"}


def test_a_failed_run_is_resumed_and_its_finished_steps_are_there_again(desk):
    flow = desk.write(
        """
        import pathlib
        from metaflow import FlowSpec, step

        class Twice(FlowSpec):
            @step
            def start(self):
                self.value = 7
                self.next(self.end)

            @step
            def end(self):
                assert pathlib.Path("repaired").exists()

        if __name__ == "__main__":
            Twice()
        """
    )
    first = run_flow(desk.request(flow))
    (desk.folder / "repaired").touch()

    second = run_flow(desk.request(flow, command="resume", options={"origin_run_id": first.run_id}))

    assert (first.failed_task.step, second.status) == ("end", "succeeded")
    assert second.run_id != first.run_id
    assert second.value("start", "value") == first.value("start", "value") == 7


def test_one_step_is_spun_again_from_a_run(desk):
    flow = desk.write(ONE_STEP.format(body="self.value = 41 + 1; print('spun')"))
    first = run_flow(desk.request(flow))

    spun = run_flow(
        desk.request(
            flow, command="spin", options={"pathspec": f"{first.run_id}/start", "persist": True}
        )
    )

    assert (spun.status, [task.step for task in spun.tasks]) == ("succeeded", ["start"])
    assert spun.value("start", "value") == 42
    assert spun.task("start").stdout == "spun"


def test_options_before_and_after_the_command_and_decorators_arrive(desk):
    root = str(desk.folder / "other" / ".metaflow")

    outcome = desk.run(
        ONE_STEP.format(body="import os; self.value = os.environ['FROM_THE_DECORATOR']"),
        decospecs=('environment:vars={"FROM_THE_DECORATOR": "yes"}',),
        top={"decospecs": ["retry:times=2"], "datastore_root": root},
        options={"max_workers": 1, "tags": ["second"]},
        tags=("first",),
    )

    assert outcome.value("start", "value") == "yes"
    assert outcome.tags == ("first", "second")
    assert outcome.task("start").metadata["ds-root"] == root


def test_a_run_that_the_runner_cannot_find_is_described_from_the_datastore(desk):
    """Metaflow's Client finds a local run only below a folder named `.metaflow`; the tasks are
    in the datastore all the same, and that the run went well is known from its exit code."""
    outcome = desk.run(
        ONE_STEP.format(body="self.value = 3"), top={"datastore_root": str(desk.folder / "odd")}
    )

    assert (outcome.status, outcome.value("start", "value")) == ("succeeded", 3)
    assert "MetaflowNotFound" in outcome.stderr or "Could not find" in outcome.stderr


def test_the_flow_gets_the_given_environment_and_nothing_else(desk, monkeypatch):
    monkeypatch.setenv("OF_THE_CALLER", "must not arrive")
    body = "import os; self.value = [os.environ.get('OF_THE_CALLER'), os.environ.get('GIVEN')]"

    outcome = desk.run(
        ONE_STEP.format(body=body), environment={**desk.environment, "GIVEN": "arrives"}
    )

    assert outcome.value("start", "value") == [None, "arrives"]


def test_modules_in_the_working_directory_hide_nothing_of_the_standard_library(desk):
    (desk.folder / "json.py").write_text("raise SystemExit('the wrong json')")
    flow = desk.folder / "elsewhere"
    flow.mkdir()
    path = desk.write(ONE_STEP.format(body="pass"), "elsewhere/flow.py")

    assert run_flow(desk.request(path)).successful


REFUSED = {
    "no such file": ({"path": "nowhere.py"}, "flow file .*nowhere.py does not exist"),
    "no such folder": ({"cwd": "nowhere"}, "working directory .*nowhere.* does not exist"),
    "unknown command": ({"command": "runn"}, "'runn' is not known; use one of run, resume, spin"),
    "unknown mode": ({"mode": "runer"}, "'runer' is not known"),
    "deployer without a scheduler": ({"mode": "deployer"}, "needs `scheduler_type`"),
    "spin without a step": ({"command": "spin"}, "needs the option `pathspec`"),
    "a parameter without a JSON form": ({"parameters": {"x": object()}}, "has no JSON form"),
}


@pytest.mark.parametrize(("change", "said"), REFUSED.values(), ids=REFUSED)
def test_a_request_that_cannot_be_right_is_refused_in_one_line(desk, change, said):
    changes = {
        name: desk.folder / value if name in {"path", "cwd"} else value
        for name, value in change.items()
    }
    request = {"path": desk.write("x = 1\n"), "cwd": desk.folder, **changes}

    with pytest.raises(UsageError, match=said) as caught:
        run_flow(FlowRequest(environment=desk.environment, **request))

    assert "\n" not in str(caught.value)


def test_the_test_side_imports_neither_metaflow_nor_pytest_nor_unpickles():
    code = (
        "import sys, pytest_metaflow_backends.flow as f, pytest_metaflow_backends.flow.compare;"
        "import pytest_metaflow_backends.flow.snapshot, pytest_metaflow_backends.flow.allowed;"
        "print(sorted({'metaflow', 'pytest', '_pickle', 'ruamel.yaml'} & set(sys.modules)))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert answer.stdout.strip() == "[]"
