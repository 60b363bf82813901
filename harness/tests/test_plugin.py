"""The plugin as a user meets it: real pytest processes on small projects."""

from __future__ import annotations

import pytest

XDIST = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])


@XDIST
def test_a_test_runs_once_per_column_and_says_where(project, workers):
    project.test_file("""
        def test_name(backend):
            assert backend.name in {"local", "fake"}

        def test_plain(): pass
    """)

    result, _ = project.record("--metaflow-backend=local,fake", *workers)
    results = project.results()

    assert result.ret == 0
    assert {r["id"]: (r["key"], r.get("backend")) for r in results.values()} == {
        "test_it.py::test_name[local]": ("test_it.py::test_name", "local"),
        "test_it.py::test_name[fake]": ("test_it.py::test_name", "fake"),
        "test_it.py::test_plain": ("test_it.py::test_plain", None),
    }


@XDIST
def test_the_plan_is_on_record_before_anything_runs(project, workers):
    project.test_file("""
        import pytest

        @pytest.mark.parametrize("n", [1, 2])
        def test_a(backend, n): pass
    """)

    _, lines = project.record(*workers)
    plans = [line for line in lines if line["kind"] == "plan"]

    assert [(p["backend"], p["tests"]) for p in plans] == [
        (
            "local",
            [
                ["test_it.py::test_a[local-1]", "test_it.py::test_a[1]"],
                ["test_it.py::test_a[local-2]", "test_it.py::test_a[2]"],
            ],
        )
    ]


def test_markers_select_a_backend(project):
    project.test_file("def test_a(backend): pass")

    result = project.run("-m", "fake", "-v")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_a?fake? PASSED*"])


def test_backends_mark_restricts_a_test(project):
    project.test_file("""
        import pytest

        @pytest.mark.backends("local")
        def test_a(backend): pass
    """)

    result = project.run("--metaflow-backend=local,fake", "-v")

    assert result.ret == 0
    result.assert_outcomes(passed=1)


@XDIST
def test_an_optional_backend_that_is_not_there_is_not_run_and_not_red(project, workers):
    project.matrix("""
        version: 1
        backends:
          fake: {kind: fake, options: {unavailable: no such thing}}
    """)
    project.test_file("def test_a(backend): pass\ndef test_b(backend): pass\ndef test_c(): pass")

    result, lines = project.record(*workers)

    assert result.ret == 0
    kinds = {r["id"]: (r["outcome"], r.get("skip_kind")) for r in project.results().values()}
    assert kinds["test_it.py::test_a[fake]"] == ("not_run", "unavailable")
    states = [line["state"] for line in lines if line["kind"] == "backend"]
    assert states.count("unavailable") == 1


@XDIST
def test_a_required_backend_that_is_not_there_ends_with_10_and_says_so_once(project, workers):
    project.matrix("""
        version: 1
        backends:
          fake: {kind: fake, required: true, options: {unavailable: no such thing}}
    """)
    project.test_file("def test_a(backend): pass\ndef test_b(backend): pass")

    result = project.run(*workers)

    assert result.ret == 10
    text = result.stdout.str()
    assert text.count("fake is required and not available") == 1
    assert "no such thing" in text


def test_required_depends_on_the_context(project):
    project.matrix("""
        version: 1
        backends:
          fake: {kind: fake, required: [ci], options: {unavailable: gone}}
    """)
    project.test_file("def test_a(backend): pass")

    assert project.run().ret == 0
    assert project.run("--metaflow-context=ci").ret == 10


def test_a_backend_that_does_not_come_up_shows_its_log(project):
    project.matrix("""
        version: 1
        backends:
          fake: {kind: fake, required: true, options: {start_error: the disk is made of cheese}}
    """)
    project.test_file("def test_a(backend): pass")

    result = project.run()

    assert result.ret == 10
    result.stdout.fnmatch_lines(["*the disk is made of cheese*"])


def test_a_missing_capability_skips_with_its_name(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake}}\n")
    project.test_file("""
        import pytest

        @pytest.mark.needs("gpu")
        def test_a(backend): pass

        def test_b(backend): pass
    """)

    result, _ = project.record("-rs")

    assert result.ret == 0
    entry = project.results()["test_it.py::test_a[fake]"]
    assert (entry["outcome"], entry["skip_kind"]) == ("skipped", "capability")
    assert "gpu" in entry["skip_reason"]


def test_an_undeclared_capability_that_works_is_reported_as_drift(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake}}\n")
    project.test_file("""
        import pytest

        @pytest.mark.needs("gpu")
        def test_works(backend): pass

        @pytest.mark.needs("gpu")
        def test_fails(backend): assert False
    """)

    result, lines = project.record("--metaflow-probe-undeclared")
    drift = [(d["key"], d["capability"]) for d in lines if d["kind"] == "drift"]

    assert drift == [("test_it.py::test_works", "gpu")]
    assert project.results()["test_it.py::test_fails[fake]"]["outcome"] == "skipped"
    result.stdout.fnmatch_lines(["*test_works* passes although gpu is undeclared*"])


def test_an_unknown_capability_is_an_error_with_a_suggestion(project):
    project.test_file("""
        import pytest

        @pytest.mark.needs("forech")
        def test_a(backend): pass
    """)

    result = project.run()

    assert result.ret == 4
    result.stdout.fnmatch_lines(["*forech*foreach*"])


@XDIST
def test_only_infrastructure_failures_are_retried_and_every_attempt_is_kept(project, workers):
    project.matrix("""
        version: 1
        defaults: {retries: {infra: 2}}
        backends:
          fake: {kind: fake, required: true}
    """)
    project.test_file("""
        import pathlib
        from metaflow_backends import InfrastructureError

        def test_infra(backend):
            seen = pathlib.Path("seen")
            if not seen.exists():
                seen.touch()
                raise InfrastructureError("the pod got lost")

        def test_product(backend):
            assert 1 == 2
    """)

    result, _ = project.record(*workers)
    results = project.results()
    flaky = results["test_it.py::test_infra[fake]"]
    failed = results["test_it.py::test_product[fake]"]

    assert result.ret == 1
    assert flaky["outcome"] == "passed"
    assert [(a["n"], a["outcome"], a["cause"]) for a in flaky["attempts"]] == [
        (1, "failed", "infra"),
        (2, "passed", "test"),
    ]
    assert failed["outcome"] == "failed"
    assert [a["n"] for a in failed["attempts"]] == [1]


def test_after_two_backend_failures_the_rest_is_not_run(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake, required: true}}\n")
    project.test_file("""
        import pytest
        from metaflow_backends import BackendError

        @pytest.mark.parametrize("n", range(6))
        def test_a(backend, n):
            raise BackendError("gone")
    """)

    result, _ = project.record()
    outcomes = [r["outcome"] for r in project.results().values()]

    assert result.ret == 10
    assert outcomes == ["failed"] * 2 + ["not_run"] * 4


def test_a_deadline_stops_starting_tests_and_is_red(project):
    project.test_file("""
        import time, pytest

        @pytest.mark.parametrize("n", range(4))
        def test_a(backend, n): time.sleep(1.2)
    """)

    result, lines = project.record("--metaflow-deadline=1")

    assert result.ret == 1
    assert [r["outcome"] for r in project.results().values()].count("not_run") >= 2
    assert [line["reason"] for line in lines if line["kind"] == "finish"] == ["deadline"]


def test_it_works_without_xdist_and_without_rerunfailures(project):
    project.test_file("def test_a(backend): pass")

    result = project.run("-p", "no:xdist", "-p", "no:rerunfailures", "-p", "no:timeout")

    assert result.ret == 0


def test_a_timeout_of_pytest_timeout_has_its_own_cause(project):
    project.test_file("""
        import time

        def test_a(backend): time.sleep(30)
    """)

    result, _ = project.record("--timeout=1", "-o", "timeout_method=signal")
    entry = project.results()["test_it.py::test_a[local]"]

    assert result.ret == 1
    assert (entry["outcome"], entry["cause"]) == ("timeout", "timeout")


def test_it_stands_beside_pytest_kubernetes(project):
    """Both know a marker `k8s`; theirs takes arguments, ours comes from the matrix."""
    project.matrix("version: 1\nbackends: {k8s: {kind: fake}}\n")
    project.test_file("def test_a(backend): pass")

    result = project.run("-m", "k8s", "-v")

    assert result.ret == 0
    result.stdout.fnmatch_lines(["*test_a?k8s? PASSED*"])


def test_a_marker_prefix_keeps_names_apart(project):
    project.matrix("version: 1\nmarker_prefix: mf_\nbackends: {local: {kind: local}}\n")
    project.test_file("def test_a(backend): pass")

    assert project.run("-m", "mf_local").ret == 0
    assert project.run("-m", "local").ret == 4


def test_without_a_matrix_nothing_changes_and_a_fixture_says_what_to_do(project):
    (project.path / "matrix.yaml").unlink()
    project.test_file("def test_a(): pass\ndef test_b(mf_flow): pass")

    result = project.run()

    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*there is no matrix.yaml in*"])


def test_a_test_that_brings_its_own_backend_is_left_alone(project):
    project.test_file("""
        import pytest

        @pytest.mark.parametrize("backend", ["mine"])
        def test_a(backend):
            assert backend == "mine"
    """)

    result = project.run()

    result.assert_outcomes(passed=1)


def test_hooks_of_a_conftest_are_called(project):
    (project.path / "conftest.py").write_text(
        "from pytest_metaflow_backends.records import Cause\n"
        "def pytest_metaflow_classify(error):\n"
        "    return Cause.BACKEND if 'mine' in str(error) else None\n"
        "def pytest_metaflow_result(result):\n"
        "    print('\\nSAW', result.key, result.cause)\n"
        "def pytest_metaflow_redact():\n"
        "    return ['hide-[0-9]+']\n"
    )
    project.test_file("def test_a(backend): raise ValueError('mine hide-123')")

    result, _ = project.record("-s")
    entry = project.results()["test_it.py::test_a[local]"]

    assert entry["cause"] == "backend"
    assert "hide-123" not in str(entry)
    result.stdout.fnmatch_lines(["SAW test_it.py::test_a *"])


def test_a_test_of_another_backend_is_deselected_and_nothing_else_is_nothing(project):
    project.matrix("version: 1\nbackends: {local: {kind: local}, fake: {kind: fake}}\n")
    project.test_file("""
        import pytest

        @pytest.mark.backends("fake")
        def test_a(backend): assert False

        def test_b(backend): pass
    """)

    both = project.run("--metaflow-backend=local")
    nothing = project.run("--metaflow-backend=local", "-k", "test_a")

    both.assert_outcomes(passed=1, deselected=1)
    assert both.ret == 0
    assert nothing.ret == 5
