"""What a folder of records comes to: nothing that is in it gets lost, nothing absent looks fine."""

from __future__ import annotations

import json

import pytest
from pytest_metaflow_backends.report.model import Judgement, State


def test_columns_of_one_session_join_on_the_key(report_of, lines, cells):
    report = report_of(
        [
            lines.session(columns=["local", "k8s"]),
            lines.plan("a", "b"),
            lines.plan("a", "b", column="k8s"),
            lines.result("a"),
            lines.result("b"),
            lines.result("a", column="k8s"),
            lines.result("b", "failed", column="k8s"),
            lines.finish(1, passed=3, failed=1),
        ]
    )

    assert cells(report) == {
        "local": {"a": "passed", "b": "passed"},
        "k8s": {"a": "passed", "b": "failed"},
    }
    assert report.grid.keys == ["t.py::test_a", "t.py::test_b"]
    assert list(report.disagreements) == [1]
    assert report.verdict.judgement is Judgement.FAILURE


def test_the_order_of_keys_in_a_line_does_not_matter(report_of, lines, cells):
    """Any valid JSON of the same content gives the same cell, white space included."""
    content = lines.result("a", "failed")
    turned = json.dumps(dict(reversed(content.items())), indent=None, separators=(" ,  ", " :\t"))

    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            f"  {turned}  \r\n",
            lines.finish(1, failed=1),
        ]
    )

    assert cells(report) == {"local": {"a": "failed"}}
    assert not report.damage


def test_planned_and_not_reported_is_missing_and_named(report_of, lines, cells):
    report = report_of([lines.session(), lines.plan("a", "b"), lines.result("a"), lines.finish(0)])

    assert cells(report)["local"] == {"a": "passed", "b": "missing"}
    assert [d.nodeid for d in report.not_run] == ["t.py::test_b[local]"]
    assert report.verdict.columns[0].reason == "incomplete: 1 not reported"
    assert report.verdict.exit_code == 1


def test_a_killed_session_names_the_test_that_was_running(report_of, lines, cells):
    report = report_of(
        [
            lines.session(),
            lines.plan("a", "b", "c"),
            lines.running("a"),
            lines.result("a"),
            lines.running("b"),
            '{"kind": "resu',
        ]
    )

    assert list(report.killed) == ["t.py::test_b[local]"]
    assert cells(report)["local"] == {"a": "passed", "b": "crashed", "c": "missing"}
    assert "its session was killed" in report.verdict.columns[0].reason
    assert report.groups[0].title.startswith("SessionKilled")


def test_a_kill_is_seen_even_if_every_test_had_reported(report_of, lines):
    report = report_of([lines.session(), lines.plan("a"), lines.result("a")])

    assert report.verdict.judgement is Judgement.FAILURE
    assert report.verdict.columns[0].reason == "incomplete: its session was killed"


def test_a_test_that_began_in_a_finished_session_and_never_ended_is_missing(
    report_of, lines, cells
):
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.running("a"),
            lines.running("b"),
            lines.result("a"),
            lines.finish(0, passed=1),
        ]
    )

    assert cells(report)["local"] == {"a": "passed", "b[local]": "missing"}
    assert not report.killed


def test_workers_write_files_of_their_own(report_of, lines, cells):
    report = report_of(
        [
            lines.session(),
            lines.running("a"),
            lines.running("b"),
            lines.result("a"),
            lines.result("b", "failed"),
            lines.finish(1, passed=1, failed=1),
        ],
        [lines.part(), lines.plan("a", "b")],
        [lines.part(), lines.event("up", "local", provider="embedded", versions={"x": "1"})],
    )

    assert cells(report) == {"local": {"a": "passed", "b": "failed"}}
    assert report.verdict.columns[0].provider == "embedded"
    assert not report.damage


def test_a_part_without_its_session_is_damage_and_does_not_count(report_of, lines, cells):
    report = report_of(
        [lines.session(), lines.plan("a"), lines.result("a"), lines.finish()],
        [lines.part("other"), lines.plan("b"), lines.result("b")],
    )

    assert cells(report) == {"local": {"a": "passed"}}
    assert list(report.damage) == ["1.jsonl: belongs to session other, which is not here"]
    assert report.verdict.judgement is Judgement.FAILURE


@pytest.mark.parametrize(
    "content",
    [
        pytest.param([], id="empty"),
        pytest.param(['{"kind": "sess'], id="torn-first-line"),
        pytest.param(["{}\n"], id="no-kind"),
        pytest.param(["[]\n"], id="no-object"),
        pytest.param(
            ['{"kind": "session", "id": "x", "started": 1, "v": 2}\n'], id="from-the-future"
        ),
        pytest.param(['{"kind": "session", "id": "x", "started": 1, "v": true}\n'], id="v-is-bool"),
        pytest.param(['{"kind": "session", "id": "x", "started": "now"}\n'], id="no-time"),
        pytest.param(['{"kind": "session", "started": 1}\n'], id="no-id"),
        pytest.param(
            ['{"kind": "result", "id": "a", "key": "a", "outcome": "passed"}\n'], id="result"
        ),
        pytest.param([b"\xff\xfe\n"], id="no-utf-8"),
        pytest.param(["[" * 100_000 + "\n"], id="nested-too-deep"),
    ],
)
def test_a_file_that_cannot_be_attributed_is_red(report_of, lines, content):
    green = [lines.session(), lines.plan("a"), lines.result("a"), lines.finish()]

    report = report_of(green, content)

    assert report.verdict.judgement is Judgement.FAILURE
    assert report.verdict.reason.startswith("records damaged: 1.jsonl: ")
    assert report.verdict.exit_code == 1


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("garbage\n", id="no-json"),
        pytest.param("\n", id="blank"),
        pytest.param("3\n", id="no-object"),
        pytest.param("{}\n", id="no-kind"),
        pytest.param('{"kind": ["result"]}\n', id="kind-is-a-list"),
        pytest.param('{"kind": "novelty"}\n', id="unknown-kind"),
        pytest.param('{"kind": "result", "key": "k", "outcome": "passed"}\n', id="no-id"),
        pytest.param(
            '{"kind": "result", "id": 1, "key": "k", "outcome": "passed"}\n', id="id-number"
        ),
        pytest.param(
            '{"kind": "result", "id": "i", "key": [], "outcome": "passed"}\n', id="key-list"
        ),
        pytest.param(
            '{"kind": "result", "id": "i", "key": 3, "outcome": "passed"}\n', id="key-number"
        ),
        pytest.param(
            '{"kind": "result", "id": "i", "key": "k", "outcome": "fine"}\n', id="outcome"
        ),
        pytest.param(
            '{"kind": "result", "id": "i", "key": "k", "outcome": {}}\n', id="outcome-dict"
        ),
        pytest.param(
            '{"kind": "result", "id": "i", "key": "k", "outcome": "failed", "attempts": 3}\n',
            id="attempts-number",
        ),
        pytest.param(
            '{"kind": "result", "id": "i", "key": "k", "outcome": "failed", '
            '"attempts": [{"message": {}}]}\n',
            id="message-dict",
        ),
        pytest.param(
            '{"kind": "result", "id": "i", "key": "k", "outcome": "passed", '
            '"backend": "$(rm -rf /)"}\n',
            id="column-is-a-command",
        ),
        pytest.param(
            '{"kind": "result", "id": "i", "key": "k", "outcome": "passed", "backend": ["x"]}\n',
            id="column-is-a-list",
        ),
        pytest.param('{"kind": "plan", "tests": 3}\n', id="plan-number"),
        pytest.param('{"kind": "plan", "tests": [["a"]]}\n', id="plan-no-pair"),
        pytest.param('{"kind": "running"}\n', id="running-nothing"),
        pytest.param('{"kind": "running", "id": []}\n', id="running-list"),
        pytest.param('{"kind": "backend", "state": "up", "backend": "../x"}\n', id="backend-path"),
        pytest.param('{"kind": "snapshot", "key": "k"}\n', id="snapshot-nowhere"),
        pytest.param('{"kind": "drift", "key": "k"}\n', id="drift-nothing"),
        pytest.param("[" * 100_000 + "\n", id="nested-too-deep"),
    ],
)
def test_a_damaged_line_in_the_middle_is_red_and_the_rest_still_counts(
    report_of, lines, cells, line
):
    report = report_of(
        [
            lines.session(),
            lines.plan("a", "b"),
            lines.result("a"),
            line,
            lines.result("b"),
            lines.finish(0, passed=2),
        ]
    )

    assert cells(report)["local"] == {"a": "passed", "b": "passed"}
    assert len(report.damage) == 1
    assert report.damage[0].startswith("0.jsonl")
    assert report.verdict.columns[0].reason.startswith("records damaged: 0.jsonl")
    assert report.verdict.judgement is Judgement.FAILURE


def test_strange_numbers_become_harmless(report_of, lines):
    """NaN, infinities, negative and huge values would break JSON, XML and sums."""
    odd = [float("nan"), float("inf"), -1, 10**400, True, "1", None]
    tests = [str(n) for n in range(len(odd))]
    report = report_of(
        [
            lines.session(),
            lines.plan(*tests),
            *(lines.result(t, seconds=v, line=v) for t, v in zip(tests, odd, strict=True)),
            lines.finish(),
        ]
    )

    assert list(report.grid.seconds["local"]) == [0.0] * len(odd)
    assert set(report.grid.lines) == {0}
    assert not report.damage


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("k\x1b[31m\x00ey", "k\\x1b[31m\\x00ey"),
        ("a\ud800b", "a\\ud800b"),
        ("x\ny", "x\\ny"),
        ("‮evil", "\\u202eevil"),
        ("naïve ✓", "naïve ✓"),
    ],
)
def test_names_of_tests_are_made_printable_and_stay_distinct(report_of, lines, path, content):
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a", id=path, key=path),
            lines.result("a", id=path + "!", key=path + "!"),
            lines.finish(),
        ]
    )

    assert report.grid.keys == ["t.py::test_a", content, content + "!"]


def test_a_detail_holds_what_a_person_asks_for_first(report_of, lines):
    runs = [
        {
            "pathspec": "Flow/7",
            "status": "failed",
            "tasks": [
                {
                    "pathspec": "Flow/7/join/3",
                    "status": "failed",
                    "attempts": 2,
                    "native": {"pod": "p-1"},
                    "stderr": "boom",
                }
            ],
        }
    ]
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a", "failed", runs=runs, worker="gw1", cause="infra"),
            lines.finish(1),
        ]
    )

    detail = report.grid.details["t.py::test_a", "local"]
    assert detail.runs[0].tasks[0].native == {"pod": "p-1"}
    assert (detail.worker, detail.cause.value, detail.line) == ("gw1", "infra", 7)
    assert detail.state is State.FAILED


def test_many_missing_tests_are_all_counted(report_of, lines, monkeypatch):
    monkeypatch.setattr("pytest_metaflow_backends.report.merge.NAMED", 3)
    report = report_of([lines.session(), lines.plan(*map(str, range(10))), lines.finish()])

    assert len(report.not_run) == 3
    assert report.verdict.columns[0].counts == {State.MISSING: 10}
