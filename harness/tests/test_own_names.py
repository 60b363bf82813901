"""Fixtures and marks of a project that are named like ours, and what counts for a column."""

from __future__ import annotations

import pytest

FIXTURE = """
    import pytest

    @pytest.fixture
    def backend(): return "sqlite"

    {test}
"""


@pytest.mark.parametrize("place", ["conftest.py", "test_it.py"])
def test_a_fixture_of_the_name_backend_counts_for_no_column(project, place):
    test = "def test_it(backend): assert backend == 'sqlite'"
    project.test_file(FIXTURE.format(test=test), name=place)
    if place == "conftest.py":
        project.test_file(test)

    result = project.run()
    forced = project.run("--metaflow-require=local")

    result.assert_outcomes(passed=1)
    assert forced.ret == 1
    forced.stdout.fnmatch_lines(["*local is required and nothing was executed*"])


def test_a_flow_beside_another_fixture_backend_is_red(project):
    project.test_file(FIXTURE.format(test="def test_it(backend, mf_flow): pass"))

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*this fixture needs the fixture `backend` of the harness*"])


def test_a_fixture_that_is_made_of_ours_is_ours(project):
    project.test_file("""
        import pytest

        @pytest.fixture
        def backend(backend):
            yield backend

        def test_it(backend): pass
    """)

    result = project.run("--metaflow-require=local")

    assert result.ret == 0
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize(
    "mark",
    ['backends(names=["fake"])', "backends()", 'needs(capability="gpu")', "needs()"],
)
@pytest.mark.parametrize("of", ["the test", "a value"])
def test_a_mark_that_would_restrict_nothing_is_an_error(project, mark, of):
    on_test = f"@pytest.mark.{mark}" if of == "the test" else ""
    on_value = f", marks=pytest.mark.{mark}" if of == "a value" else ""
    project.test_file(f"""
        import pytest

        {on_test}
        @pytest.mark.parametrize("x", [pytest.param(1{on_value})])
        def test_it(backend, x): pass
    """)

    result = project.run()

    assert result.ret not in {0, 5}
    name = mark.partition("(")[0]
    (result.stdout.str() + result.stderr.str()).index(f"@pytest.mark.{name} takes its words")


def test_a_value_may_be_for_some_backends_only(project):
    project.matrix("version: 1\nbackends: {local: {kind: local}, fake: {kind: fake}}\n")
    project.test_file("""
        import pytest

        only = pytest.param(1, marks=pytest.mark.backends("fake"))
        unknown = pytest.param(1, marks=pytest.mark.needs("gpu"))

        @pytest.mark.parametrize("x", [only, 2])
        def test_it(backend, x): pass

        @pytest.mark.parametrize("x", [unknown])
        def test_need(backend, x): pass
    """)

    here = project.run("--metaflow-backend=local")
    there = project.run("--metaflow-backend=fake")

    here.assert_outcomes(passed=1, skipped=1, deselected=1)
    there.assert_outcomes(passed=2, skipped=1)


def test_a_value_for_a_backend_nobody_knows_is_an_error(project):
    project.test_file("""
        import pytest

        @pytest.mark.parametrize("x", [pytest.param(1, marks=pytest.mark.backends("lcoal"))])
        def test_it(backend, x): pass
    """)

    result = project.run()

    assert result.ret not in {0, 5}
    result.stdout.fnmatch_lines(["*names 'lcoal', which is not in matrix.yaml*local*"])
