"""Greens that come of what ends, skips or hides a test without its body having run."""

from __future__ import annotations

import pytest

FAKE = "version: 1\nbackends: {fake: {kind: fake, required: true}}\n"
ENDS_EARLY = {
    "an exit that says all is well": "pytest.exit('fine', 0)",
    "the end of the process": "os._exit(0)",
}


@pytest.mark.parametrize("way", ENDS_EARLY.values(), ids=ENDS_EARLY)
def test_a_test_that_ends_the_run_with_zero_is_red(project, way):
    project.matrix(FAKE)
    project.test_file(f"""
        import os, pytest

        def test_a(backend): pass
        def test_b(backend): {way}
        def test_c(backend): assert False
    """)

    verdict = project.cli("run")

    assert verdict.ret == 1
    verdict.stdout.fnmatch_lines(["FAILURE: fake: incomplete: * not reported*"])


@pytest.mark.parametrize(
    "skip", ["pytest.skip('later', allow_module_level=True)", "pytest.importorskip('no_such')"]
)
def test_a_module_that_skips_itself_whole_is_red(project, skip):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")
    (project.path / "test_other.py").write_text(
        f"import pytest\n{skip}\ndef test_b(backend): assert False\n"
    )

    verdict = project.cli("run")

    assert verdict.ret == 2
    verdict.stdout.fnmatch_lines(["*test_other.py: the module skips itself whole*"])


def test_a_crash_is_red_in_its_own_column_whoever_tries_again(project):
    project.matrix(FAKE)
    project.test_file("""
        import os, pathlib, pytest

        @pytest.mark.parametrize("n", range(3))
        def test_a(backend, n):
            if n == 1 and not pathlib.Path("once").exists():
                pathlib.Path("once").touch()
                os._exit(0)
    """)

    verdict = project.cli("run", "--", "-n2", "--reruns=2")

    assert verdict.ret == 1
    verdict.stdout.fnmatch_lines(["fake * required * failure * 1 crashed, 2 passed"])


def test_a_crash_is_red_in_its_own_column_if_another_name_begins_like_it(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake, variants: {a: {}, a-2: {}}}}\n")
    project.test_file("""
        import os

        def test_it(backend):
            if backend.variant == "a-2":
                os._exit(0)
    """)

    project.record("-n1", "--metaflow-backend=fake/a,fake/a-2")

    ends = {(r["key"], r["variant"]): r["outcome"] for r in project.results().values()}
    assert ends == {("test_it.py::test_it", "a"): "passed",
                    ("test_it.py::test_it", "a-2"): "crashed"}  # fmt: skip


@pytest.mark.parametrize(
    "hook",
    [
        "def pytest_runtestloop(session): return True",
        "def pytest_runtest_protocol(item): return True",
        "def pytest_sessionfinish(session): session.exitstatus = 0",
    ],
    ids=["loop", "protocol", "finish"],
)
def test_a_conftest_that_runs_nothing_or_hides_a_failure_is_not_green(project, hook):
    project.test_file(hook, "conftest.py")
    project.test_file("def test_it(backend): assert False")

    assert project.run().ret == 1


@pytest.mark.parametrize("end", ["os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_a_pytest_that_ends_badly_after_its_records_were_written_is_red(project, end):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")
    (project.path / "conftest.py").write_text(
        f"import os, signal\ndef pytest_unconfigure(config): {end}\n"
    )

    verdict = project.cli("run")

    assert verdict.ret == 1


@pytest.mark.parametrize("option", ["--setup-only", "--setup-plan"])
def test_a_test_whose_body_never_ran_has_not_passed(project, option):
    project.test_file(
        "def test_on_a_backend(backend): assert False\ndef test_alone(): assert False"
    )

    result, lines = project.record(option)

    assert result.ret == 1
    assert [line for line in lines if line["kind"] == "result"] == []
    result.stdout.fnmatch_lines(["*2 planned tests never reported a result*"])


def test_a_test_that_was_interrupted_has_not_passed(project):
    project.test_file("def test_it(backend): raise KeyboardInterrupt\ndef test_next(backend): pass")

    result, lines = project.record()

    assert result.ret == 2
    assert [line for line in lines if line["kind"] == "result"] == []


def test_a_folder_that_skips_itself_whole_is_red(project):
    (project.path / "sub").mkdir()
    skips = "import pytest\npytest.importorskip('no_such_module')\n"
    (project.path / "sub" / "conftest.py").write_text(skips)
    project.test_file("def test_gone(backend): assert False", "sub/test_sub.py")
    project.test_file("def test_here(backend): pass")

    result = project.run()

    assert result.ret == 2
    result.stdout.fnmatch_lines(["*sub*: the folder skips itself whole*"])


def test_tests_of_no_backend_that_were_not_started_are_red(project):
    project.test_file("def test_alone(): pass")

    result = project.run("--metaflow-deadline=0")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["not started before the deadline: 1 test"])


def test_a_run_that_executed_nothing_is_red_though_nothing_was_required(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake, required: false}}")
    project.test_file("import pytest\ndef test_it(backend): pytest.skip('never')")

    result = project.run()

    assert result.ret == 1
    result.stdout.fnmatch_lines(["nothing was executed of 1 planned test"])


def test_an_expected_failure_that_is_not_even_run_is_red(project):
    project.test_file("""
        import pytest

        @pytest.mark.xfail(reason="later", strict=True, run=False)
        def test_it(backend): pass
    """)

    result = project.run("--metaflow-require=local")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*run=False tests nothing*"])


def test_a_value_that_happens_to_be_named_like_a_backend_tests_no_backend(project):
    project.test_file("""
        import pytest

        @pytest.mark.parametrize("backend", ["local", "sqlite"])
        def test_it(backend): pass
    """)

    result, _ = project.record("--metaflow-require=local")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*local is required and nothing was executed*"])
    assert all("backend" not in line for line in project.results().values())


def test_a_fixture_that_fails_after_a_skip_is_an_error(project):
    project.test_file("""
        import pytest

        @pytest.fixture
        def fixture():
            yield
            raise RuntimeError("left behind")

        def test_it(backend, fixture): pytest.skip("not today")
    """)

    result, _ = project.record()
    (line,) = project.results().values()

    assert result.ret == 1
    assert line["outcome"] == "error"
    assert line["attempts"][-1]["message"] == "left behind"
