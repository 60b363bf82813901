"""Known failures: strict, owned, and over at a day that is named."""

from __future__ import annotations

import datetime as dt

import pytest

XDIST = pytest.mark.parametrize("workers", [(), ("-n2",)], ids=["alone", "xdist"])

SOON = str(dt.datetime.now(tz=dt.timezone.utc).date() + dt.timedelta(days=30))
EXPECTATION = """
    version: 1
    backends:
      local: {{kind: local, required: true}}
    expect_failures:
      - {{backend: local, test: "test_it.py::test_a", reason: known, owner: me, until: {until}}}
"""


@pytest.mark.parametrize(
    ("until", "condition", "code", "outcome"),
    [
        (SOON, "False", 0, "xfailed"),
        (SOON, "True", 1, "xpassed"),
        ("2001-01-01", "False", 1, "failed"),
        ("2001-01-01", "True", 1, "failed"),
    ],
    ids=["holds", "no longer holds", "expired and fails", "expired and passes"],
)
def test_an_expectation_is_strict_owned_and_expires(project, until, condition, code, outcome):
    project.matrix(EXPECTATION.format(until=until))
    project.test_file(f"def test_a(backend): assert {condition}")

    result, _ = project.record()
    entry = project.results()["test_it.py::test_a[local]"]

    assert (result.ret, entry["outcome"], entry["owner"]) == (code, outcome, "me")


@XDIST
@pytest.mark.parametrize("named", ["test_it.py::test_gone", "test_gone.py::test_a"])
def test_an_expectation_of_no_test_is_refused_with_its_line(project, named, workers):
    project.matrix(EXPECTATION.format(until=SOON).replace("test_it.py::test_a", named))
    project.test_file("def test_a(backend): pass\ndef test_b(backend): pass")

    result = project.run(*workers)

    assert result.ret == (1 if workers else 4)
    result.stdout.fnmatch_lines([f"*matrix.yaml:6: no test of local is {named}; *"])


@pytest.mark.parametrize("chosen", [("test_it.py::test_b",), ("-k", "test_a"), ("test_other.py",)])
def test_an_expectation_of_a_test_that_is_only_not_selected_is_fine(project, chosen):
    project.matrix(EXPECTATION.format(until=SOON))
    project.test_file("def test_a(backend): assert False\ndef test_b(backend): pass")
    project.test_file("def test_c(backend): pass", "test_other.py")

    assert project.run(*chosen).ret == 0
