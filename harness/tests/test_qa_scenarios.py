"""The table that maps the scenarios of metaflow-qa-tests to ours names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT / "harness/conformance"


def test_every_test_the_table_names_exists():
    page = (ROOT / "docs/qa-scenarios.md").read_text(encoding="utf-8")
    ours = "\n".join(path.read_text(encoding="utf-8") for path in SUITE.glob("test_*.py"))
    defined = set(re.findall(r"^def (test_\w+)", ours, re.MULTILINE))

    named = set(re.findall(r"(?:::|`)(test_\w+)(?=[`\[])", page))

    assert named - defined == set()
    assert len(named) > 15


def test_every_case_the_table_names_is_a_flow_that_is_refused():
    page = (ROOT / "docs/qa-scenarios.md").read_text(encoding="utf-8")
    flows = {path.stem for path in (SUITE / "flows/conditionals/refused").glob("*.py")}

    named = set(re.findall(r"refused_before_there_is_a_run\[(\w+)\]", page))

    assert named == flows
