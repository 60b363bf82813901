"""What runs left behind goes to the comparison, if its test passed."""

from __future__ import annotations

import pytest
from pytest_metaflow_backends.report.model import Difference, Judgement


def snapshot(column, data, key="t.py::test_a"):
    backend, _, variant = column.partition("/")
    place = {"backend": backend, **({"variant": variant} if variant else {})}
    return {"kind": "snapshot", "key": key, **place, "name": "run", "data": data}


def test_snapshots_go_to_compare_and_its_differences_are_red(report_of, lines):
    seen = []

    def compare(snapshots, _passed):
        seen.extend((s.key, s.backend, s.variant, s.name, s.data) for s in snapshots)
        return [Difference("k", "run", "tags", {"local": "a", "nomad/exec": "b"})]

    green = [
        lines.session(columns=["local", "nomad/exec"]),
        lines.plan("a"),
        lines.plan("a", column="nomad/exec"),
        lines.result("a"),
        lines.result("a", column="nomad/exec"),
        snapshot("local", {"x": 1}),
        snapshot("nomad/exec", {"x": 2}),
        lines.finish(),
    ]
    report = report_of(green, compare=compare)

    key = "t.py::test_a"
    assert seen == [(key, "local", None, "run", {"x": 1}), (key, "nomad", "exec", "run", {"x": 2})]
    assert report.verdict.reason == "columns differ in 1 place"
    assert report.verdict.judgement is Judgement.FAILURE


@pytest.mark.parametrize("outcome", ["xfailed", "failed", "skipped"])
def test_what_a_test_left_that_did_not_pass_is_not_compared(report_of, lines, outcome):
    seen = []
    report_of(
        [
            lines.session(columns=["local", "k8s"]),
            lines.plan("a"),
            lines.plan("a", column="k8s"),
            lines.result("a"),
            lines.result("a", outcome, column="k8s"),
            snapshot("local", {"status": "succeeded"}),
            snapshot("k8s", {"status": "failed"}),
            lines.finish(),
        ],
        compare=lambda found, _: seen.extend(s.backend for s in found) or [],
    )

    assert seen == ["local"]


def test_a_later_session_replaces_the_snapshots_of_an_earlier_one(report_of, lines):
    seen = []
    files = [
        [
            lines.session(f"s{n}", started=n),
            lines.plan("a"),
            lines.result("a"),
            snapshot("local", {"n": n}),
            lines.finish(),
        ]
        for n in (1, 2)
    ]

    report_of(*files, compare=lambda found, _: seen.extend(s.data for s in found) or [])

    assert seen == [{"n": 2}]
