"""Twenty canaries go in everywhere a test can put text; none may come out in any file."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

CANARIES = [f"canary-{n:02d}-Zm9vYmFy+/{n * 7919}" for n in range(20)]
ENCODED = [base64.b64encode(c.encode()).decode() for c in CANARIES]

LEAKY = """
    import base64, logging, os, sys, warnings
    import pytest

    SECRETS = [os.environ[f"MY_{n}_TOKEN"] for n in range(20)]
    BASE64 = [base64.b64encode(s.encode()).decode() for s in SECRETS]

    @pytest.mark.parametrize("value", SECRETS[:3], ids=lambda s: s.replace("/", "-"))
    def test_in_an_id(backend, value): pass

    def test_in_a_message(backend):
        raise RuntimeError(" ".join(SECRETS[3:6] + BASE64[3:6]))

    def test_in_output(backend):
        print(*SECRETS[6:9], *BASE64[6:9])
        print(*SECRETS[9:11], *BASE64[9:11], file=sys.stderr)
        logging.getLogger().error("%s", SECRETS[11:13] + BASE64[11:13])
        local = SECRETS[13]
        assert local == "something else"

    def test_in_a_skip(backend):
        pytest.skip(SECRETS[14] + BASE64[14])

    def test_at_the_cut(backend):
        print("x" * 23_990 + SECRETS[15] + "y" * 8_000)
        print("é" * 100_000 + SECRETS[16] + BASE64[17])
        assert False, SECRETS[18] * 200 + BASE64[19]
"""


def test_no_canary_survives_in_any_file(project, monkeypatch):
    for n, canary in enumerate(CANARIES):
        monkeypatch.setenv(f"MY_{n}_TOKEN", canary)
    project.test_file(LEAKY)

    result, _ = project.record(f"--deselect={CANARIES[0]}")
    project.cli("report", "records", "-o", "out", timeout=60)
    folders = (project.path / "records", project.path / "out")
    files = [f for folder in folders for f in folder.rglob("*") if f.is_file()]

    assert result.ret == 1
    assert {f.name for f in files} >= {"index.html", "report.md", "junit.xml", "report.json"}
    text = {f: f.read_text(encoding="utf-8", errors="replace") for f in files}
    found = [(f.name, c) for f, t in text.items() for c in (*CANARIES, *ENCODED) if c in t]
    assert found == []
    assert any("[redacted]" in t for t in text.values())


def test_the_environment_is_in_no_file(project, monkeypatch):
    """Not even what does not look like a secret: nothing dumps the environment."""
    monkeypatch.setenv("SOME_ORDINARY_NAME", "quite-ordinary-value-4711")
    project.test_file("def test_a(backend): assert False")

    project.record()

    for file in (project.path / "records").iterdir():
        assert "quite-ordinary-value-4711" not in file.read_text()


MATRIX = """
    version: 1
    redact: {env: ["*_PASSPHRASE"]}
    backends:
      local:
        kind: local
        required: true
        environment: {DEPLOY_TOKEN: canary-of-the-matrix-environment}
      fake: {kind: fake, default: false}
"""
FLOW = """
    import os
    from metaflow import FlowSpec, step

    class LeakyFlow(FlowSpec):
        @step
        def start(self):
            print(os.environ["CALL_TOKEN"], os.environ["DEPLOY_TOKEN"])
            setattr(self, "artifact_" + os.environ["CALL_TOKEN"], 1)
            self.next(self.end)

        @step
        def end(self):
            raise ValueError(os.environ["CALL_TOKEN"], os.environ["LINES_PASSPHRASE"])

    if __name__ == "__main__":
        LeakyFlow()
"""
MORE_LEAKS = """
    import json, os, urllib.parse
    import pytest

    MINE = os.environ["MINE_PASSPHRASE"]
    LINES = os.environ["LINES_PASSPHRASE"]

    @pytest.mark.parametrize("value", [MINE])
    def test_id_of_pytest(backend, value): pass

    def test_flow(mf_flow):
        mf_flow(
            "leaky.py", tags=["canary-in-the-call"],
            environment={"CALL_TOKEN": "canary-in-the-call"},
        )

    def test_shortened(backend):
        text = "x" * 30 + MINE + "y" * 400 + MINE + "z" * 20
        assert text == 1

    def test_split(backend):
        print(LINES.splitlines()[1])
        print(f"{MINE[:9]}\\x1b[31m{MINE[9:]}\\x1b[0m")
        print(json.dumps(LINES), urllib.parse.quote(MINE, safe=""))
        print(os.environ["AWS_SECRET_ACCESS_KEY"])
        raise RuntimeError("x" * 87_990 + MINE + "y" * 60_000 + MINE * 3)

    def test_many(backend):
        print((MINE + " ") * 20_000)
        assert False
"""
MINE = "canary of mine/" + "".join(chr(97 + n * 7 % 26) for n in range(40)) + "/the end"
LINES = "canary line one\ncanary line two\ncanary line three"


def test_no_canary_of_matrix_backend_or_flow_survives_on_the_terminal_or_in_a_file(
    project, monkeypatch
):
    monkeypatch.setenv("MINE_PASSPHRASE", MINE)
    monkeypatch.setenv("LINES_PASSPHRASE", LINES)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-of-the-datastore")
    project.matrix(MATRIX)
    project.test_file(FLOW, "leaky.py")
    project.test_file(MORE_LEAKS)

    result, _ = project.record("-rA", "--junitxml=records/own.xml", "-o", "junit_logging=all")
    report = project.cli("report", "records", "-o", "out", timeout=60)

    said = {"pytest": result.outlines, "report": report.outlines + report.errlines}
    texts = {name: "\n".join(lines) for name, lines in said.items()}
    for folder in ("records", "out"):
        for file in (f for f in (project.path / folder).rglob("*") if f.is_file()):
            texts[file.name] = file.read_text(encoding="utf-8", errors="replace")
    parts = ("canary-of", "canary-in", "canary line", "the end", MINE[15:24], MINE[-16:-8])
    found = [(name, part) for name, text in texts.items() for part in parts if part in text]
    assert result.ret == 1
    assert found == []
    assert "[redacted]" in texts["report.md"]
    assert "not reported" not in texts["report"]


def test_the_logs_of_a_backend_are_masked_when_they_are_printed(project, monkeypatch):
    monkeypatch.setenv("LOG_TOKEN", "canary-of-a-log")
    project.matrix("version: 1\nbackends: {fake: {kind: fake}}")
    project.cli("up", "fake")
    (state,) = json.loads(project.cli("status", "--json").stdout.str())
    logs = [file for file in Path(state["logs"]).rglob("*.log") if file.is_file()]
    with logs[0].open("a") as log:
        log.write("with canary-of-a-log in it\n")

    printed = project.cli("logs", "fake")
    project.cli("down", "fake")

    printed.stdout.fnmatch_lines(["with [[]redacted] in it"])


def test_the_key_of_a_backend_that_never_came_up_is_masked(project):
    project.matrix(
        "version: 1\nbackends:\n  fake:\n    kind: fake\n    required: true\n"
        "    options: {start_error: 'the server says: {token} is refused'}\n"
    )
    project.test_file("def test_a(backend): pass")

    result, lines = project.record()
    by_hand = project.cli("up", "fake")

    kept = json.dumps(lines)
    said = [result.stdout.str(), kept, by_hand.stdout.str() + by_hand.stderr.str()]
    assert result.ret == by_hand.ret == 10
    assert [text for text in said if "the server says: [redacted] is refused" not in text] == []
    assert "mfx_" not in "".join(said)


def test_what_a_passing_test_or_an_import_says_is_masked_on_the_terminal_too(project, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "canary-of-a-pass")
    project.test_file("import os\ndef test_alone(): print(os.environ['MY_TOKEN'])")
    project.test_file("import os\nraise RuntimeError(os.environ['MY_TOKEN'])", "test_import.py")
    junit = ("--junitxml=j.xml", "-o", "junit_logging=all")

    passed = project.run("-rP", "test_it.py", *junit)
    broken = project.run("test_import.py")

    assert passed.ret == 0
    said = [passed.stdout.str(), broken.stdout.str(), (project.path / "j.xml").read_text()]
    assert all("[redacted]" in text for text in said)
    assert "canary" not in "".join(said)


def test_base64_in_lines_is_masked_in_a_traceback_and_in_what_is_made_of_it(project, monkeypatch):
    secret = "canary-" * 20
    parts = [base64.b64encode(f"{'-canary' * 5}"[n:].encode())[4:24].decode() for n in range(3)]
    monkeypatch.setenv("MY_TOKEN", secret)
    project.test_file(
        "import base64, os\n"
        "ENCODED = base64.encodebytes(os.environ['MY_TOKEN'].encode()).decode()\n"
        "def test_alone(): raise RuntimeError(ENCODED)\n"
        "def test_it(backend): print(ENCODED); assert ENCODED.encode() == 1\n"
    )

    result, lines = project.record("-rA", "-vv", "--junitxml=j.xml")

    said = [result.stdout.str(), json.dumps(lines), (project.path / "j.xml").read_text()]
    assert result.ret == 1
    assert all("[redacted]" in text for text in said)
    assert [part for part in parts for text in said if part in text] == []


PROPERTIES = """
    import os

    SECRET = os.environ["MY_TOKEN"]

    def test_alone(record_property, record_xml_attribute, record_testsuite_property):
        record_property("used", SECRET)
        record_property(SECRET, {"in": [SECRET.encode()]})
        record_property("count", 17)
        record_xml_attribute("status", SECRET)
        record_testsuite_property("whole", [SECRET])
        record_testsuite_property("plain", 4711)

    def test_it(backend, record_property):
        record_property("used", SECRET)
        assert False
"""


@pytest.mark.parametrize("workers", [(), ("-n1",)], ids=["alone", "xdist"])
def test_what_tests_record_for_junit_is_masked_in_it(project, monkeypatch, workers):
    monkeypatch.setenv("MY_TOKEN", "canary-of-a-property")
    project.test_file(PROPERTIES)

    result = project.run("--junitxml=j.xml", "-o", "junit_family=xunit1", *workers)

    written = (project.path / "j.xml").read_text()
    assert result.ret == 1
    assert "canary" not in written + result.stdout.str()
    assert written.count('name="used" value="[redacted]"') == 2
    assert 'name="count" value="17"' in written
    if not workers:  # pytest itself keeps neither under xdist
        assert 'status="[redacted]"' in written
        assert """name="whole" value="['[redacted]']\"""" in written
        assert 'name="plain" value="4711"' in written


NOT_ASCII = """
    import os
    import pytest

    SECRET = os.environ["MY_TOKEN"]

    @pytest.mark.parametrize("value", [SECRET, SECRET.encode(), SECRET.upper()])
    def test_it(backend, value):
        print(SECRET.encode(), ascii(SECRET))
        assert SECRET.encode() == 1
"""


def test_a_secret_that_is_not_ascii_is_masked_where_it_is_escaped(project, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "kanarienvögel-dürfen-nicht-heraus")
    project.test_file(NOT_ASCII)

    result, lines = project.record("-rA", "-v", "--junitxml=j.xml")

    said = [result.stdout.str(), json.dumps(lines), (project.path / "j.xml").read_text()]
    assert result.ret == 1
    assert all("[redacted]" in text for text in said)
    assert [word for word in ("kanarienv", "heraus") for text in said if word in text] == []
    assert "KANARIENV" in said[0]  # which is another text


def test_a_plan_shows_no_secret_options(project):
    project.matrix(
        "version: 1\nbackends: {local: {kind: local, scheduler_type: argo-workflows, "
        "deploy_args: {api_token: canary-of-a-plan}}}"
    )
    project.test_file("def test_it(backend): pass")

    plans = [project.cli("plan", "--backend", "local", *more) for more in ((), ("--json",))]

    assert all("canary" not in plan.stdout.str() for plan in plans)
    plans[0].stdout.fnmatch_lines(["*api_token: [[]redacted]*"])


@pytest.mark.parametrize("pattern", [r"(?P<key>tok-\w+)", r"(?i)tok-\w+", "("])
def test_a_pattern_of_a_plugin_that_would_mask_nothing_is_refused(project, pattern):
    (project.path / "conftest.py").write_text(
        f"def pytest_metaflow_redact(): return [{pattern!r}]\n"
    )
    project.test_file("def test_it(backend): pass")

    result = project.run()

    assert result.ret == 4
    result.stderr.fnmatch_lines(["*pytest_metaflow_redact gave*"])
