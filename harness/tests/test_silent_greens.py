"""The seven ways in which other harnesses are green without having tested anything.

Each is reproduced here against ours, and must end in something else than 0.
"""

from __future__ import annotations

import pytest

FLOWLESS = """
    import pytest

    def test_it(backend):
        assert {condition}
"""


def test_an_unknown_backend_on_the_command_line_is_a_usage_error(project):
    """1: a typing error in --only-backend skipped everything with exit code 0."""
    project.test_file(FLOWLESS.format(condition=True))

    result = project.run("--metaflow-backend=lcoal")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*lcoal*local*"])


@pytest.mark.parametrize("option", ["backend", "require"])
@pytest.mark.parametrize("named", ["", " , "])
def test_an_option_that_names_no_column_is_a_usage_error(project, option, named):
    """1: an empty variable of a job's settings asked for a column, and got the default ones."""
    project.test_file(FLOWLESS.format(condition=True))

    result = project.run(f"--metaflow-{option}={named}")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*names no column*"])


def test_a_parameter_set_without_values_is_red(project):
    """1b: the cause of the first one, an empty parametrisation, is red by itself."""
    project.test_file("""
        import pytest

        @pytest.mark.parametrize("value", [])
        def test_nothing(value): pass

        @pytest.mark.parametrize("value", [])
        def test_nothing_on_a_backend(backend, value): pass
    """)

    result = project.run()

    assert result.ret == 1
    assert result.parseoutcomes() == {"errors": 2} or result.parseoutcomes() == {"failed": 2}


@pytest.mark.parametrize("condition", ["True", "False"])
def test_a_lenient_xfail_on_a_backend_is_red_whether_it_passes_or_fails(project, condition):
    """2: xfail(strict=False) made two of four backends unable to be red."""
    project.test_file(f"""
        import pytest

        @pytest.mark.xfail(reason="always", strict=False)
        def test_it(backend):
            assert {condition}
    """)

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*not strict can never be red*"])


def test_the_report_says_too_why_a_lenient_or_expired_expectation_is_red(project):
    project.matrix("""
        version: 1
        backends:
          local: {kind: local}
        expect_failures:
          - {backend: local, test: "*::test_known", reason: bug, owner: me, until: 2026-02-01}
    """)
    project.test_file("""
        import pytest

        @pytest.mark.xfail(reason="always", strict=False)
        def test_lenient(backend): assert False

        def test_known(backend): assert 1 == 2
    """)

    project.record()
    said = {line["key"]: line["attempts"][-1]["message"] for line in project.results().values()}

    assert "not strict can never be red" in said["test_it.py::test_lenient"]
    assert said["test_it.py::test_known"].startswith("assert 1 == 2")
    assert "matrix.yaml:6" in said["test_it.py::test_known"]
    assert "expired on 2026-02-01" in said["test_it.py::test_known"]


def test_a_need_that_nobody_could_have_is_told_before_anything_starts(project):
    project.test_file("""
        import pytest

        @pytest.mark.needs("forech")
        def test_it(backend): pass
    """)

    result, lines = project.record()

    assert result.ret == 4
    result.stdout.fnmatch_lines(["*test_it.py::test_it: needs('forech'): *did you mean 'foreach'*"])
    assert not [line for line in lines if line["kind"] == "backend"]


def test_a_run_with_failures_is_never_reported_as_success(project):
    """3: a reporter with fail-on-error off called a thousand failures a success."""
    project.test_file(FLOWLESS.format(condition=False))

    result, _ = project.record()
    report = project.cli("report", "records", timeout=60)

    assert result.ret == 1
    assert report.ret == 1


def test_an_error_while_tests_are_generated_is_not_a_skip(project):
    """4: a conftest that caught every error turned an import error into one skip."""
    project.test_file("""
        def pytest_generate_tests(metafunc):
            raise ImportError("gone")

        def test_it(backend): pass
    """)

    result = project.run()

    assert result.ret not in {0, 5}


def test_a_session_without_records_is_red(project):
    """5 and 6: no files, no results: neutral elsewhere, and neutral merges."""
    (project.path / "records").mkdir()

    result = project.cli("report", "records", timeout=60)

    assert result.ret == 1


def test_a_required_backend_on_which_everything_is_skipped_is_red(project):
    """7: 0 of 1745 tests ran, green."""
    project.test_file("""
        import pytest

        @pytest.mark.needs("gpu")
        def test_it(backend): pass
    """)

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*local is required and nothing was executed of its 1 test"])


def test_a_backend_that_is_forced_and_selects_nothing_is_red(project):
    project.test_file("def test_it(): pass")

    result = project.run("--metaflow-require=fake")

    assert result.ret == 1


@pytest.mark.parametrize(
    ("expression", "near"),
    [("nomda", "fake"), ("locl", "local"), ("locl or fake", "local"), ("not smok", "smoke")],
)
@pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])
def test_an_unknown_marker_name_is_a_usage_error(project, expression, near, workers):
    project.test_file(FLOWLESS.format(condition=True))

    result = project.run("-m", expression, *workers)

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*there is no marker*"])
    assert near == "fake" or near in result.stderr.str()


def test_a_test_that_names_an_unknown_backend_is_an_error(project):
    project.test_file("""
        import pytest

        @pytest.mark.backends("lcoal")
        def test_it(backend): pass
    """)

    result = project.run()

    assert result.ret not in {0, 5}
    result.stdout.fnmatch_lines(["*lcoal*did you mean*local*"])


def test_nothing_selected_is_not_green(project):
    project.test_file("def test_it(): pass")

    result = project.run("-m", "fake")

    assert result.ret == 5


def test_a_broken_matrix_is_a_usage_error_with_its_place(project):
    project.matrix("version: 1\nbackends:\n  local: {knd: local}\n")
    project.test_file(FLOWLESS.format(condition=True))

    result = project.run()

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*matrix.yaml:3:*knd*kind*"])


def test_a_report_knows_all_columns_that_are_required_where_it_is_made(project):
    project.matrix(
        "version: 1\nbackends:\n  local: {kind: local}\n"
        "  fake: {kind: fake, default: false, required: [ci]}\n"
    )
    project.test_file("def test_it(backend): pass")
    project.record("--metaflow-backend=local")

    for context, code in (("dev", 0), ("ci", 1)):
        result = project.cli("report", "records", "-o", f"in-{context}", "--context", context)
        assert result.ret == code
    result.stdout.fnmatch_lines(["*fake*"])


def test_a_typing_error_in_a_marker_leaves_earlier_records_alone(project):
    project.test_file("def test_it(backend): pass")
    project.cli("run", "-b", "local")
    before = sorted((project.path / "report" / "records").iterdir())

    result = project.cli("run", "-b", "local", "-m", "nomda")

    assert result.ret == 4
    assert sorted((project.path / "report" / "records").iterdir()) == before
    result.stderr.fnmatch_lines(["no test run began*"])


@pytest.mark.parametrize(
    "mark", ['xfail(strict=True, reason="known")', 'xfail(False, reason="x", strict=True)']
)
def test_a_test_that_calls_xfail_is_red(project, mark):
    project.test_file(f"""
        import pytest

        @pytest.mark.{mark}
        def test_it(backend): pytest.xfail("whatever")
    """)

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*xfail() ends a test before it can show anything*"])


def test_an_exception_that_cannot_say_what_it_is_fails_its_test_only(project):
    project.test_file("""
        class Mute(Exception):
            def __str__(self): raise RuntimeError("no")

        def test_mute(backend): raise Mute()
        def test_mute_too(): raise Mute()
        def test_it(backend): pass
    """)

    result = project.run()

    assert result.ret == 1
    result.assert_outcomes(failed=2, passed=1)


@pytest.mark.parametrize("plugin", ["", "-pno:rerunfailures"])
def test_a_test_all_of_whose_parts_are_skipped_is_skipped(project, plugin):
    project.test_file("""
        import pytest

        def test_none(backend, subtests):
            for number in range(2):
                with subtests.test(number=number):
                    pytest.skip("not this one")

        def test_some(backend, subtests):
            for number in range(2):
                with subtests.test(number=number):
                    if number:
                        pytest.skip("not this one")
    """)

    project.record(*filter(None, [plugin]))
    found = project.results()

    none = found["test_it.py::test_none[local]"]
    assert (none["outcome"], none["skip_reason"]) == ("skipped", "not this one")
    assert found["test_it.py::test_some[local]"]["outcome"] == "passed"


@pytest.mark.parametrize("hook", ["pytest_collection_modifyitems", "pytest_collection_finish"])
def test_a_run_that_is_left_early_is_not_green(project, hook):
    (project.path / "conftest.py").write_text(
        f"import pytest\ndef {hook}(): pytest.exit('enough', returncode=0)\n"
    )
    project.test_file("def test_it(backend): pass")

    result = project.run()

    assert result.ret == 2
    result.stdout.fnmatch_lines(["*the run was left early: enough*"])
