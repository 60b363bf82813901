"""A backend that dies under its tests."""

from __future__ import annotations

import textwrap

import pytest

MOON = """
    from metaflow_backends.fake import Fake
    {more}

    class Moon(Fake):
        kind = "moon"
        {body}
"""


@pytest.fixture
def moon(project, monkeypatch):
    """Install a backend of somebody else, so far as entry points tell."""

    def write(body="", more=""):
        text = textwrap.dedent(MOON).format(body=body, more=more)
        (project.path / "moon.py").write_text(text)
        folder = project.path / "moon-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: moon\nVersion: 1.0\n")
        (folder / "entry_points.txt").write_text("[metaflow_backends]\nmoon = moon:Moon\n")
        monkeypatch.setenv("PYTHONPATH", str(project.path))
        project.matrix("version: 1\nbackends: {moon: {kind: moon, required: true}}\n")
        project.test_file("""
            import pytest

            @pytest.mark.needs("linear")
            def test_it(backend): pass
        """)

    return write


def test_a_capability_that_nobody_knows_is_a_mistake_of_the_backend(project, moon):
    moon('capabilities = frozenset({"linaer"})')

    result = project.run()

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*the kind 'moon' declares 'linaer'*did you mean 'linear'?*"])


def test_a_required_backend_that_cannot_be_loaded_ends_with_10(project, moon):
    moon(more="import shutill")

    result, _ = project.record()

    assert result.ret == 10
    found = project.results()["test_it.py::test_it[moon]"]
    assert found["outcome"] == "not_run"
    assert "No module named 'shutill'" in found["skip_reason"]
    assert "Traceback" not in result.stdout.str()


def test_after_two_deaths_the_others_are_told_of_what_it_died(project):
    project.matrix(
        "version: 1\nbackends: {fake: {kind: fake, required: true, options: {dies_after: 1}}}"
    )
    project.test_file(
        "import pytest\n@pytest.mark.parametrize('n', range(5))\ndef test_it(backend, n): pass"
    )

    result, _ = project.record("-p", "no:rerunfailures")
    reasons = {line["skip_reason"] for line in project.results().values() if "skip_reason" in line}

    assert result.ret == 10
    assert len(reasons) == 1
    (reason,) = reasons
    assert "failed 2 times in this run, the last time: fake no longer answers" in reason
