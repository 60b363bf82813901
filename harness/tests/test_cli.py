"""`mf-backends` as a person types it."""

from __future__ import annotations

import fnmatch
import json
import os
import subprocess
import sys

import psutil
import pytest
from pytest_metaflow_backends.cli import main
from pytest_metaflow_backends.lifecycle.active import identity

FAKE = "version: 1\nbackends: {fake: {kind: fake, variants: {other: {default: true}}}}\n"


def test_run_gives_one_grid_over_all_columns(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass\ndef test_b(backend): assert backend.variant")

    result = project.cli("run")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*fake*fake/other*", "*test_a*pass*pass*", "*test_b*FAIL*pass*"])
    written = {path.name for path in (project.path / "report").iterdir()}
    assert written >= {"index.html", "report.md", "junit.xml", "report.json", "records"}


def test_run_starts_from_no_records_unless_it_appends(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")

    def columns(*args):
        assert project.cli("run", *args).ret == 0
        data = json.loads((project.path / "report" / "report.json").read_text())
        return [column["column"] for column in data["verdict"]["columns"]]

    assert columns("-b", "fake") == ["fake"]
    assert columns("-b", "fake/other", "--append") == ["fake", "fake/other"]
    assert columns("-b", "fake/other") == ["fake/other"]


def test_run_with_an_additional_marker_expression(project):
    project.matrix(FAKE)
    project.test_file("""
        import pytest

        @pytest.mark.smoke
        def test_a(backend): pass

        def test_b(backend): assert False
    """)

    assert project.cli("run", "-b", "fake", "-m", "smoke").ret == 0
    assert project.cli("run", "-b", "fake", "-m", "smok").ret == 4


def test_run_of_nothing_is_not_green(project):
    project.matrix(FAKE)
    project.test_file("def test_a(): pass")

    assert project.cli("run", "-b", "fake").ret == 5


def test_run_names_a_required_backend_that_is_not_there(project):
    project.matrix("version: 1\nbackends: {fake: {kind: fake, options: {unavailable: no ship}}}\n")
    project.test_file("def test_a(backend): pass")

    optional = project.cli("run", "-b", "fake")
    required = project.cli("run", "-b", "fake", "--require")

    assert optional.ret == 1  # nothing was executed anywhere: that is never green
    assert required.ret == 10
    required.stdout.fnmatch_lines(["*no ship*"])


USAGE = {
    "unknown backend": (("run", "-b", "fkae"), "fake"),
    "unknown command": (("runn",), "runn"),
    "unknown option": (("run", "--bakend", "fake"), "--bakend"),
    "unknown backend to start": (("up", "fkae"), "fake"),
    "environment of what is not up": (("env", "fake"), "mf-backends up fake"),
    "logs of what is not up": (("logs", "fake"), "mf-backends up fake"),
    "no such matrix": (("plan", "--matrix", "nowhere.yaml"), "nowhere.yaml"),
    "unknown context": (("plan", "--context", "cii"), "ci"),
}


@pytest.mark.parametrize(("args", "said"), USAGE.values(), ids=USAGE)
def test_a_mistake_in_usage_is_one_message_and_exit_code_4(project, args, said):
    project.matrix(FAKE)

    result = project.cli(*args)

    assert result.ret == 4
    assert said in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_without_a_matrix_the_message_says_what_to_do(project):
    (project.path / "matrix.yaml").unlink()

    result = project.cli("status")

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no matrix.yaml*--matrix*"])


def test_plan_lists_columns_and_their_tests(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")

    text = project.cli("plan")
    data = json.loads(project.cli("plan", "--backend", "fake/other", "--json").stdout.str())

    text.stdout.fnmatch_lines(["fake (optional, 1 test)", "*test_it.py::test_a?fake?"])
    assert [(p["column"], p["tests"]) for p in data] == [
        ("fake/other", ["test_it.py::test_a[fake/other]"])
    ]


def test_a_backend_that_was_started_stays_up_is_shared_and_goes_down(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")

    up = project.cli("up", "fake")
    again = project.cli("up", "fake")
    status = json.loads(project.cli("status", "--json").stdout.str())
    pids = status[0]["processes"]
    run = project.run()
    still = [runs(pid) for pid in pids]
    logs = project.cli("logs", "fake")
    down = project.cli("down")

    assert [up.ret, again.ret, run.ret, logs.ret, down.ret] == [0] * 5
    assert status[0]["column"] == "fake"
    assert status[0]["health"]["alive"]
    assert pids
    assert all(still)
    assert not any(runs(pid) for pid in pids)
    project.cli("status").stdout.fnmatch_lines(["nothing is up"])


def runs(pid):
    """A process that ended may remain as a zombie until somebody collects it: it does not run."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_env_prints_what_a_shell_can_evaluate(project):
    """A flow that is run by hand in that environment writes to the backend's own datastore."""
    project.matrix("version: 1\nbackends: {local: {kind: local}}\n")
    assert project.cli("up", "local").ret == 0
    try:
        script = (
            f'eval "$({sys.executable} -m pytest_metaflow_backends env local)" && '
            'printf "%s" "$METAFLOW_DATASTORE_SYSROOT_LOCAL"'
        )
        environment = {**os.environ, "METAFLOW_PROFILE": "mine"}
        shown = subprocess.run(
            ["sh", "-c", script],
            cwd=project.path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout
        as_json = json.loads(project.cli("env", "local", "--json").stdout.str())
    finally:
        project.cli("down")

    assert shown == as_json["METAFLOW_DATASTORE_SYSROOT_LOCAL"]
    assert str(project.path) in shown


@pytest.mark.parametrize(
    ("base", "named"),
    [({}, True), ({"USER": "root"}, True), ({"USER": ""}, True), ({"USER": "ada"}, False)],
)
def test_env_names_a_user_where_there_is_none(base, named):
    """Metaflow runs no flow without one, and none as root."""
    assert bool(identity(base)) is named


def test_doctor_names_what_is_missing_and_the_cure(project):
    project.matrix("""
        version: 1
        backends:
          local: {kind: local, required: true}
          fake: {kind: fake, options: {unavailable: no ship}}
    """)

    result = project.cli("doctor")
    data = json.loads(project.cli("doctor", "--json").stdout.str())

    assert result.ret == 0
    result.stdout.fnmatch_lines(["ok local (required)", "-- fake (optional)", "*no ship*"])
    assert data["machine"]["metaflow"]
    assert [b["available"] for b in data["backends"]] == [True, False]


def test_doctor_ends_with_10_if_a_required_backend_is_missing(project):
    project.matrix("""
        version: 1
        backends: {fake: {kind: fake, required: true, options: {unavailable: no ship}}}
    """)

    assert project.cli("doctor").ret == 10


@pytest.mark.parametrize(
    "command", ["plan", "run", "report", "up", "down", "status", "doctor", "logs", "env"]
)
def test_every_command_explains_itself(project, command):
    result = project.cli(command, "--help")

    assert result.ret == 0
    assert len(result.stdout.lines) > 5


def test_a_run_that_never_begins_leaves_earlier_records_and_reports_alone(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")
    assert project.cli("run", "-b", "fake").ret == 0
    before = {p: p.read_bytes() for p in (project.path / "report").rglob("*") if p.is_file()}

    mistyped = project.cli("run", "-b", "fake", "--", "--no-such-option")
    unknown = project.cli("run", "-b", "fkae")
    no_file = project.cli("run", "-b", "fake", "--", "test_nope.py")

    assert (mistyped.ret, unknown.ret, no_file.ret) == (4, 4, 4)
    for result in (mistyped, no_file):
        result.stderr.fnmatch_lines(["no test run began: earlier records and reports are as they*"])
    assert before == {p: p.read_bytes() for p in before}


def test_a_run_removes_no_file_that_is_not_its_own(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")
    records = project.path / "report/records"
    records.mkdir(parents=True)
    mine = records / "notes.jsonl"
    mine.write_text('{"my": "notes"}\n')

    project.cli("run", "-b", "fake")
    project.cli("run", "-b", "fake")

    assert mine.read_text() == '{"my": "notes"}\n'


@pytest.mark.parametrize("command", [("run", "-b", "fake", "-o", "site"),
                                     ("report", "report/records", "-o", "site")])  # fmt: skip
def test_reports_replace_no_page_of_somebody_else(project, command):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")
    assert project.cli("run", "-b", "fake").ret == 0
    page = project.path / "site/index.html"
    page.parent.mkdir()
    page.write_text("<h1>mine</h1>")

    refused = project.cli(*command)

    assert refused.ret == 4
    refused.stderr.fnmatch_lines(["*site holds index.html, which mf-backends has not written*"])
    assert page.read_text() == "<h1>mine</h1>"


def test_reports_that_cannot_be_written_are_told_in_a_line_beside_the_verdict(project):
    project.matrix(FAKE)
    project.test_file("def test_a(backend): pass")
    assert project.cli("run", "-b", "fake").ret == 0
    page = project.path / "report/index.html"
    page.unlink()
    page.mkdir()

    reported = project.cli("report", "report/records", "-o", "matrix.yaml/x")
    run = project.cli("run", "-b", "fake")

    assert (reported.ret, run.ret) == (4, 4)
    said = "error: {}: the reports cannot be written: {}".format
    assert reported.errlines == [said(project.path / "matrix.yaml/x", "Not a directory")]
    assert run.errlines[-1] == said(project.path / "report", "Is a directory")
    run.stdout.fnmatch_lines(["fake * success * 1 passed"])


def test_a_required_backend_that_does_not_come_up_is_ten_everywhere(project):
    project.matrix(
        "version: 1\n"
        "backends: {fake: {kind: fake, required: true, options: {start_error: burnt}}}\n"
    )
    project.test_file("def test_a(backend): pass")

    codes = {
        "run": project.cli("run").ret,
        "pytest": project.run("--metaflow-records=records").ret,
        "report": project.cli("report", "records").ret,
        "up": project.cli("up", "fake").ret,
    }

    assert codes == dict.fromkeys(codes, 10)


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        (("logs", "fake"), 4, "error: fake is not up; start it: mf-backends up fake"),
        (("env", "fake"), 4, "error: fake is not up; start it: mf-backends up fake"),
        (("logs", "fkae"), 4, "error: matrix.yaml has no backend 'fkae'; did you mean 'fake'?"),
        (("down", "fkae"), 4, "error: matrix.yaml has no backend 'fkae'; did you mean 'fake'?"),
        (("logs", "fake,fake/other"), 4, "error: 'fake,fake/other' is not one column; *"),
        (("env", ","), 4, "error: ',' is not one column; *"),
        (("down", "fake"), 0, "fake was not up"),
        (("down",), 0, "nothing is up"),
        (("status",), 0, "nothing is up"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_where_nothing_is_up_a_command_says_so_in_one_line(
    project, monkeypatch, capsys, command, code, line
):
    project.matrix(FAKE)
    monkeypatch.chdir(project.path)

    assert main(command) == code

    captured = capsys.readouterr()
    (told,) = (captured.out + captured.err).splitlines()
    assert fnmatch.fnmatchcase(told, line.replace("?", "[?]"))


WRONG = {
    "an option nobody reads": (
        "options: {max_workres: 2}",
        "unknown option 'max_workres'",
    ),
    "a value that makes no sense": (
        "options: {max_workers: two}",
        "max_workers is 'two'",
    ),
    "a provider": ("provider: kind", "there are no providers to choose from"),
    "a capability": ("provides: [gpu]", "`provides` names gpu, which the kind 'local' does not"),
}
ENTRIES = [("plan",), ("run",), ("up", "local"), ("env", "local"), ("doctor",), ("report", "none")]


@pytest.mark.parametrize(("setting", "said"), WRONG.values(), ids=WRONG)
def test_settings_that_a_backend_refuses_are_told_with_their_place(project, setting, said):
    project.matrix(f"version: 1\nbackends:\n  local:\n    kind: local\n    {setting}\n")
    project.test_file("def test_a(backend): pass")

    by_pytest = project.run()
    by_run = project.cli("run")

    line = 5 if setting.startswith("options") else 4
    assert (by_pytest.ret, by_run.ret) == (4, 4)
    for result in (by_pytest, by_run):
        result.stderr.fnmatch_lines([f"*matrix.yaml:{line}:*: local: {said}*"])


@pytest.mark.parametrize("command", ENTRIES, ids=lambda c: c[0])
def test_every_command_tells_a_wrong_option_before_it_does_anything(project, command):
    project.matrix("version: 1\nbackends: {local: {kind: local, options: {max_workres: 2}}}\n")

    result = project.cli(*command)

    assert result.ret == 4
    result.stderr.fnmatch_lines(["error: *matrix.yaml:2:*: local: unknown option 'max_workres'*"])
