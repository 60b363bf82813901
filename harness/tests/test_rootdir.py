"""Where the matrix is looked for."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def below(project):
    """Make a folder of tests with a pytest.ini of its own, below the one with the matrix."""
    folder = project.path / "tests"
    folder.mkdir()
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    project.test_file("def test_it(backend): pass", "tests/test_it.py")


def test_a_matrix_above_the_root_folder_is_named(project):
    result = project.run("tests")

    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*{project.path / 'matrix.yaml'} does: run pytest there*"])


def test_and_can_be_named_to_pytest(project):
    result = project.run("tests", "--metaflow-matrix=matrix.yaml")

    assert result.ret == 0
    result.assert_outcomes(passed=1)
