"""What GitHub is asked to write, held against its own schema and the rules that leaves out."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hostile_reports import assert_sound, reds, reports
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pytest_metaflow_backends.github import checks as planner
from pytest_metaflow_backends.github.annotation import MOST
from pytest_metaflow_backends.report.model import HOST, State
from strict_github import octokit, rules

HEAD = "a" * 40


@pytest.fixture(scope="session")
def refusals():
    """Say what GitHub would have against a body; nothing if it would take it."""
    schemas = {
        method: operation["requestBody"]["content"]["application/json"]["schema"]
        for (method, name), operation in octokit.calls().items()
        if name.startswith("/check-runs") and method != "get"
    }
    validators = {name: jsonschema.Draft202012Validator(s) for name, s in schemas.items()}

    def refusals(request):
        wrong = []
        for method, body in (("post", {**request.body, "head_sha": HEAD}), ("patch", request.body)):
            body_errors = [e.message[:300] for e in validators[method].iter_errors(body)]
            wrong += body_errors or rules.broken(body, schemas[method], creates=method == "post")
        return wrong

    return refusals


@settings(
    deadline=None,
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(report=reports())
def test_whatever_a_report_holds_github_takes_every_request(refusals, event, report):
    for request in planner.plan(report, event):
        assert refusals(request) == []
        for name in ("summary", "text"):
            assert_sound(request.body["output"][name])


@pytest.mark.slow
@settings(
    deadline=None,
    max_examples=10_000,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(report=reports())
def test_of_ten_thousand_reports_github_takes_every_request(refusals, event, report):
    assert [line for request in planner.plan(report, event) for line in refusals(request)] == []


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(report=reports())
def test_the_number_of_red_results_is_in_every_summary_and_text(event, report):
    whole = planner.checks(report, event)[-1]

    assert whole.name == "metaflow-backends"
    assert f"{reds(report)} red result" in whole.output["summary"]
    assert f"{reds(report)} red result" in whole.output["text"]


def failing(lines, count, *, column="local", fingerprints=None, **more):
    """A session with `count` failing tests, of `fingerprints` different kinds."""
    kinds = fingerprints or count
    tests = [f"{column.replace('/', '_')}_{n}" for n in range(count)]
    results = [
        lines.result(
            test,
            "failed",
            column,
            attempts=[lines.attempt(fingerprint=f"f{n % kinds}", **more)],
        )
        for n, test in enumerate(tests)
    ]
    name = f"s-{column.replace('/', '-')}"
    session = lines.session(name, columns=[column] if column else [])
    return [session, lines.plan(*tests, column=column), *results, lines.finish(1, failed=count)]


def test_a_thousand_failures_are_at_most_twelve_writes_with_300_kinds_beside_the_code(
    report_of, lines, event, refusals
):
    columns = ["local", "k8s", "nomad/exec"]
    report = report_of(*(failing(lines, 334, column=name, fingerprints=300) for name in columns))

    requests = planner.plan(report, event)

    notes = [note for request in requests for note in request.body["output"]["annotations"]]
    assert reds(report) == 1002
    assert len(requests) <= 12
    assert len(notes) == MOST == 300
    assert all(refusals(request) == [] for request in requests)
    assert "**1002 red results**" in requests[-1].body["output"]["summary"]


@pytest.mark.parametrize(("kinds", "annotated"), [(1, 300), (50, 300), (299, 300), (900, 300)])
def test_every_way_to_fail_is_annotated_once_before_any_is_twice(
    report_of, lines, event, kinds, annotated
):
    report = report_of(failing(lines, 1000, fingerprints=kinds))

    found = planner.checks(report, event)[0].annotations

    assert len(found) == annotated
    fingerprints = [group.fingerprint for group in report.groups]
    expected = [f"local: {group.details[0].key.partition('::')[2]}" for group in report.groups]
    assert len(fingerprints) == kinds
    assert [note.title for note in found][: min(kinds, MOST)] == expected[:MOST]


def test_a_page_of_the_longest_annotations_is_no_large_request(report_of, lines, event, refusals):
    long = "\U0001f600" * 20_000
    streams = {"stdout": long, "stderr": long}
    tasks = [{"pathspec": f"F/1/a/{n}", "status": "failed", **streams} for n in range(3)]
    session, plan, *results, finish = failing(lines, 50, message=long, details=long)
    runs = [{"pathspec": "F/1", "status": "failed", "tasks": tasks}]
    report = report_of([session, plan, *({**one, "runs": runs} for one in results), finish])

    request = planner.plan(report, event)[0]

    assert len(request.body["output"]["annotations"]) == 50
    assert len(json.dumps(request.body, ensure_ascii=False).encode()) < 2_000_000
    assert all("\nReproduce: pytest" in n["message"] for n in request.body["output"]["annotations"])
    assert refusals(request) == []


def test_failures_that_find_no_room_are_counted_in_the_text(report_of, lines, event):
    report = report_of(failing(lines, 1000, details="x" * 5_000))

    check = planner.checks(report, event)[0]

    assert len(check.output["text"].encode()) <= 65_535
    assert "more groups of failures_" in check.output["text"]
    assert "Failures: 1000 in 1000 groups" in check.output["summary"]


def test_there_is_one_check_per_backend_with_its_variants_and_the_summary_is_last(
    report_of, lines, event
):
    report = report_of(
        failing(lines, 1, column="nomad/exec"),
        [lines.session("a"), lines.plan("x"), lines.result("x"), lines.finish(0, passed=1)],
        required=["local", "k8s"],
    )

    found = {check.name: check.conclusion for check in planner.checks(report, event)}

    assert found == {
        "metaflow-backends / local": "success",
        "metaflow-backends / k8s": "failure",  # expected, and nobody reported it
        "metaflow-backends / nomad": "failure",
        "metaflow-backends": "failure",
    }
    assert list(found)[-1] == "metaflow-backends"


def test_an_optional_backend_that_was_not_there_is_neutral_and_the_summary_never_is(
    report_of, lines, event
):
    reason = lines.event("unavailable", reason="no cluster")
    tests = [lines.session("a", ["local", "k8s"]), lines.plan("x"), lines.result("x")]
    report = report_of([*tests, reason, lines.finish(0, passed=1)], optional=["k8s"])

    found = {check.name: check for check in planner.checks(report, event)}

    assert found["metaflow-backends / k8s"].conclusion == "neutral"
    assert "unavailable: no cluster" in found["metaflow-backends / k8s"].output["title"]
    assert found["metaflow-backends"].conclusion == "success"


@given(report=reports())
@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_the_summary_says_success_only_if_the_verdict_does(event, report):
    found = planner.checks(report, event)

    assert found[-1].conclusion == ("failure" if report.verdict.exit_code else "success")
    reds_in = {
        column.partition("/")[0]
        for column in report.grid.columns
        if column != HOST and any(State(cell).red for cell in report.grid.states[column])
    }
    named = zip(planner.backends(report), found, strict=False)
    assert all(check.conclusion == "failure" for name, check in named if name in reds_in)


@example([], [1, 1, 2])
@given(st.lists(st.integers(0, 5), max_size=200), st.lists(st.integers(0, 5), max_size=200))
def test_only_annotations_that_are_missing_are_sent(wanted, there):
    from pytest_metaflow_backends.github.annotation import Annotation, missing

    def notes(numbers):
        return [Annotation("a.py", n + 1, n + 1, "failure", "m", f"t{n}") for n in numbers]

    left = missing(notes(wanted), notes(there))

    for kind in set(wanted):
        count = sum(note.title == f"t{kind}" for note in left)
        assert count == max(wanted.count(kind) - there.count(kind), 0)


def test_a_known_failure_whose_time_is_over_counts_as_red(report_of, lines, event):
    from datetime import date

    from pytest_metaflow_backends.matrix.model import Expectation

    known = Expectation("local", "t.py::test_a", "why", "me", date(2020, 1, 1), "m.yaml:1")
    report = report_of(
        [lines.session(), lines.plan("a"), lines.result("a", "xfailed"), lines.finish(0)],
        expectations=[known],
        today=date(2026, 1, 1),
    )

    check = planner.checks(report, event)[0]

    assert check.conclusion == "failure"
    assert "**1 red result**" in check.output["summary"]


def test_more_backends_than_get_a_check_run_are_in_the_summary(report_of, lines, event):
    names = [f"b{n}" for n in range(150)]
    report = report_of(
        [lines.session(columns=["local"]), lines.plan("a"), lines.result("a"), lines.finish(0)],
        required=names,
    )

    found = planner.checks(report, event)

    assert len(found) == planner.MOST + 1
    assert found[-1].conclusion == "failure"


def test_tests_without_a_backend_are_in_the_summary_alone(report_of, lines, event):
    report = report_of(failing(lines, 2, column=""))

    found = planner.checks(report, event)

    assert [check.name for check in found] == ["metaflow-backends"]
    assert len(found[0].annotations) == 2
    assert found[0].annotations[0].title.startswith("(no backend): ")


def test_an_annotation_stands_at_its_line_and_says_how_to_see_the_failure_again(
    report_of, lines, event
):
    task = {
        "pathspec": "F/1/end/2",
        "status": "failed",
        "native": {"pod": "p-1"},
        "stderr": "boom on stderr",
    }
    run = {"pathspec": "F/1", "status": "failed", "tasks": [task]}
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a", "failed", runs=[run]),
            lines.finish(1, failed=1),
        ]
    )

    note = planner.checks(report, event)[0].annotations[0]

    assert (note.path, note.start_line, note.annotation_level) == ("t.py", 7, "failure")
    assert "assert 1 == 2" in note.message
    assert "Task: F/1/end/2 (pod=p-1)" in note.message
    assert "Reproduce: pytest --metaflow-backend=local 't.py::test_a[local]'" in note.message
    assert "Traceback: no" in note.raw_details
    assert "boom on stderr" in note.raw_details


def test_a_flaky_test_is_a_warning_and_no_failure(report_of, lines, event):
    attempts = [lines.attempt("rerun"), lines.attempt("passed", n=2)]
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a", attempts=[lines.attempt("failed"), attempts[1]]),
            lines.finish(0, passed=1),
        ]
    )

    check = planner.checks(report, event)[0]

    assert check.conclusion == "success"
    assert [note.annotation_level for note in check.annotations] == ["warning"]
    assert "1 flaky" in check.output["title"]


@pytest.mark.parametrize("file", ["/etc/passwd", "../x.py", "a/../b", "", "a\\b.py", "a\nb"])
def test_a_file_outside_the_repository_is_shown_at_the_matrix(report_of, lines, event, file):
    key = f"{file}::test_x"
    report = report_of(
        [
            lines.session(),
            {**lines.plan("a"), "tests": [[f"{file}::test_x[local]", key]]},
            lines.result("a", "failed", id=f"{file}::test_x[local]", key=key, file=file),
            lines.finish(1, failed=1),
        ]
    )

    note = planner.checks(report, event)[0].annotations[0]

    assert note.path == "matrix.yaml"
