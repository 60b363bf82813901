"""Two columns ran the same flow: the report compares what they left, field by field."""

from __future__ import annotations

import json
import textwrap

MATRIX = """
    version: 1
    backends:
      local:
        kind: local
        required: true
        variants: {other: {environment: {SAID: other}, default: true}}
"""
FLOW = """
    import os
    from metaflow import FlowSpec, step

    class DiffersFlow(FlowSpec):
        @step
        def start(self):
            self.same = 1
            self.said = os.environ.get("SAID", "the same")
            self.next(self.end)

        @step
        def end(self):
            pass

    if __name__ == "__main__":
        DiffersFlow()
"""


ALLOWED = """
version: 1
allowed:
- {field: steps/**/said, reason: it is what the environment says}
- {field: nothing/**, reason: it was so in an earlier release}
"""


def differences(project, test, more=""):
    project.matrix(MATRIX + more)
    (project.path / "differs.py").write_text(textwrap.dedent(FLOW))
    project.test_file(test)
    result = project.cli("run")
    report = json.loads((project.path / "report" / "report.json").read_text())
    return result, report["differences"]


def test_an_artifact_that_differs_is_red_although_every_test_passed(project):
    result, found = differences(project, "def test_a(mf_flow): mf_flow('differs.py')")

    assert result.ret == 1
    assert {difference["field"].split("/")[0] for difference in found} == {"steps"}
    assert all("said" in difference["field"] for difference in found)
    assert {column for difference in found for column in difference["values"]} == {
        "local",
        "local/other",
    }
    result.stdout.fnmatch_lines(["*FAILURE*differ*"])


def test_the_matrix_names_the_allowed_differences_and_stale_ones_are_told(project):
    (project.path / "allowed.yaml").write_text(ALLOWED)

    result, found = differences(
        project,
        "def test_a(mf_flow): mf_flow('differs.py')",
        more="    allowed_differences: allowed.yaml\n",
    )

    assert (result.ret, found) == (0, [])
    notes = [line for line in result.errlines if line.startswith("note: ")]
    line = f"{project.path / 'allowed.yaml'}:5"
    assert notes == [f"note: {line}: nothing differed in nothing/** this time"]


def test_a_file_of_allowed_differences_that_is_not_there_is_told_before_the_tests(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake}}\nallowed_differences: allowd.yaml\n")

    result = project.cli("run")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["error: *matrix.yaml: *there is no file allowd.yaml beside it"])
    assert not (project.path / "report").exists()


def test_what_is_equal_or_left_out_is_green(project):
    result, found = differences(
        project,
        """
        def test_left_out(mf_flow): mf_flow("differs.py", compare=False)
        def test_equal(mf_flow): mf_flow("differs.py", environment={"SAID": "x"})
        """,
    )

    assert found == []
    assert result.ret == 0


def test_a_run_that_one_column_lacks_is_a_difference(project):
    result, found = differences(
        project,
        """
        def test_a(backend, mf_flow):
            if backend.variant:
                mf_flow("differs.py", name="only here")
    """,
    )

    assert result.ret == 1
    assert [difference["name"] for difference in found] == ["only here"]


def test_every_run_of_a_test_is_compared_with_the_run_of_its_number(project):
    result, found = differences(
        project,
        """
        def test_a(mf_flow):
            mf_flow("differs.py", environment={"SAID": "equal"})
            mf_flow("differs.py")
            mf_flow("differs.py", environment={"SAID": "equal"})
        """,
    )

    assert result.ret == 1
    assert {one["field"].partition("/")[0] for one in found} == {"steps"}
    assert {one["name"] for one in found} == {"run 2"}
