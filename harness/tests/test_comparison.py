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


def differences(project, test):
    project.matrix(MATRIX)
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
