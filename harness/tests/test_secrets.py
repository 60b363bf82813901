"""Twenty canaries go in everywhere a test can put text; none may come out in any file."""

from __future__ import annotations

import base64

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
