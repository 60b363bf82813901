"""What a folder of records comes to: nothing that is in it gets lost, nothing absent looks fine."""

from __future__ import annotations

import json
import shutil

import pytest
from pytest_metaflow_backends.report.build import build
from pytest_metaflow_backends.report.model import HOST, Difference, Judgement, State


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


def test_the_same_file_delivered_twice_counts_once(tmp_path, lines, cells):
    content = [lines.session(), lines.plan("a"), lines.result("a", "failed"), lines.finish(1)]
    lines.write(tmp_path / "one" / "s1.jsonl", *content)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    lines.write(tmp_path / "early" / "s1.jsonl", *content[:2])

    report = build(tmp_path)

    assert not report.damage
    assert len(report.sessions) == 1
    assert cells(report) == {"local": {"a": "failed"}}
    assert len(report.groups[0].details[0].attempts) == 1


def test_two_different_files_that_claim_to_be_one_session_are_red(tmp_path, lines):
    lines.write(
        tmp_path / "a" / "s1.jsonl",
        lines.session(),
        lines.plan("a"),
        lines.result("a"),
        lines.finish(),
    )
    lines.write(
        tmp_path / "b" / "s1.jsonl",
        lines.session(),
        lines.plan("a"),
        lines.result("a", "failed"),
        lines.finish(1),
    )

    report = build(tmp_path)

    assert report.damage[0].endswith("another file also claims to be session s1")
    assert report.verdict.judgement is Judgement.FAILURE


def ci(attempt, job="k8s"):
    return {"provider": "github", "run": "7", "job": job, "attempt": str(attempt)}


def test_the_newest_ci_attempt_wins_and_older_ones_become_attempts(report_of, lines, cells):
    """Whatever the order of the files: time decides."""
    report = report_of(
        [
            lines.session("s2", started=2.0, ci=ci(2)),
            lines.plan("a", "b", "c"),
            lines.result("a"),
            lines.result("b", "failed"),
            lines.result("c"),
            lines.finish(1),
        ],
        [
            lines.session("s1", started=1.0, ci=ci(1)),
            lines.plan("a", "b", "c"),
            lines.result("a", "failed"),
            lines.result("b", "failed"),
            lines.result("c"),
            lines.finish(1),
        ],
    )

    assert cells(report)["local"] == {"a": "flaky", "b": "failed", "c": "passed"}
    details = report.grid.details
    outcomes = {
        key: [(a.n, a.outcome.value) for a in d.attempts] for (key, _), d in details.items()
    }
    assert outcomes == {
        "t.py::test_a": [(1, "failed"), (2, "passed")],
        "t.py::test_b": [(1, "failed"), (2, "failed")],
    }


def test_a_killed_ci_attempt_is_forgiven_once_a_later_one_came_to_its_end(report_of, lines, cells):
    killed = [lines.session("s1", started=1.0, ci=ci(1)), lines.plan("a"), lines.running("a")]
    good = [
        lines.session("s2", started=2.0, ci=ci(2)),
        lines.plan("a"),
        lines.result("a"),
        lines.finish(),
    ]

    report = report_of(killed, good)

    assert cells(report)["local"] == {"a": "flaky"}
    assert report.verdict.judgement is Judgement.SUCCESS
    assert list(report.killed) == ["t.py::test_a[local]"]


def test_a_killed_attempt_of_another_job_is_not_forgiven(report_of, lines):
    killed = [lines.session("s1", started=1.0, ci=ci(1, job="shard-1"))]
    good = [
        lines.session("s2", started=2.0, ci=ci(2, job="shard-2")),
        lines.plan("a"),
        lines.result("a"),
        lines.finish(),
    ]

    report = report_of(killed, good)

    assert report.verdict.judgement is Judgement.FAILURE
    assert "its session was killed" in report.verdict.reason


def test_two_sessions_with_different_tests_of_one_column_add_up(report_of, lines, cells):
    """A later green session must not hide the red tests of an earlier one."""
    report = report_of(
        [
            lines.session("s1", started=1.0),
            lines.plan("a"),
            lines.result("a", "failed"),
            lines.finish(1),
        ],
        [lines.session("s2", started=2.0), lines.plan("b"), lines.result("b"), lines.finish()],
    )

    assert cells(report)["local"] == {"a": "failed", "b": "passed"}
    assert report.verdict.judgement is Judgement.FAILURE


def test_a_later_session_outside_ci_replaces_what_it_ran_again(report_of, lines, cells):
    """On a developer's machine the code has changed in between: no flakiness is made up."""
    report = report_of(
        [
            lines.session("s1", started=1.0),
            lines.plan("a"),
            lines.result("a", "failed"),
            lines.finish(1),
        ],
        [lines.session("s2", started=2.0), lines.plan("a"), lines.result("a"), lines.finish()],
    )

    assert cells(report)["local"] == {"a": "passed"}
    assert report.verdict.judgement is Judgement.SUCCESS


def test_of_two_results_of_one_session_for_one_cell_the_worse_stands(report_of, lines, cells):
    report = report_of(
        [
            lines.session(),
            lines.plan("a", "b"),
            lines.result("a", "failed"),
            lines.result("a"),
            lines.result("b"),
            lines.result("b", "failed"),
            lines.finish(1),
        ]
    )

    assert cells(report)["local"] == {"a": "failed", "b": "failed"}


def test_a_pass_after_a_failed_attempt_is_flaky(report_of, lines):
    tries = [lines.attempt(), {"n": 2, "phase": "call", "outcome": "passed"}]
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a", attempts=tries),
            lines.finish(),
        ]
    )

    assert [d.key for d in report.flaky] == ["t.py::test_a"]
    assert report.verdict.judgement is Judgement.SUCCESS


def test_results_that_the_last_line_counts_and_that_are_not_there_are_missed(report_of, lines):
    """A line that vanished is noticed even if nothing announced it."""
    report = report_of(
        [
            lines.session(),
            lines.plan("a"),
            lines.result("a"),
            lines.finish(0, passed=1, failed=1),
        ]
    )

    assert report.verdict.columns[0].reason == "incomplete: 1 not reported"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (2, "interrupted"),
        (3, "internal error"),
        (4, "usage error"),
        (77, "exit status 77"),
        (-1, "exit status -1"),
        ("0", "exit status -1"),
        (True, "exit status -1"),
    ],
)
def test_an_end_that_results_do_not_explain_is_red(report_of, lines, status, said):
    report = report_of([lines.session(), lines.plan("a"), lines.result("a"), lines.finish(status)])

    assert said in report.verdict.columns[0].reason
    assert report.verdict.judgement is Judgement.FAILURE


def test_a_session_that_ended_red_without_a_red_result_is_red(report_of, lines):
    report = report_of([lines.session(), lines.plan("a"), lines.result("a"), lines.finish(1)])

    assert report.verdict.reason == "session s1 ended red, and no result says why"


def test_a_collection_error_with_nothing_planned_is_red(report_of, lines):
    report = report_of([lines.session(columns=[]), lines.finish(2)])

    assert report.verdict.exit_code == 1
    assert "could not be collected" in report.verdict.reason


def test_an_unavailable_optional_backend_is_neutral_and_says_how_to_get_it(report_of, lines, cells):
    report = report_of(
        [
            lines.session(columns=["local", "k8s"]),
            lines.plan("a"),
            lines.plan("a", column="k8s"),
            lines.event("unavailable", reason="no docker", cure="apt install docker.io"),
            lines.result("a"),
            lines.result("a", "not_run", "k8s", skip_kind="unavailable", skip_reason="no docker"),
            lines.finish(),
        ],
        required=["local"],
    )

    verdicts = {c.column: (c.judgement.value, c.reason) for c in report.verdict.columns}
    assert verdicts["k8s"] == ("neutral", "unavailable: no docker (apt install docker.io)")
    assert report.verdict.judgement is Judgement.SUCCESS
    assert cells(report)["k8s"] == {"a": "not_run"}
    assert [d.skip_reason for d in report.not_run] == ["no docker"]


@pytest.mark.parametrize("who", ["expected", "event", "exitstatus"])
def test_an_unavailable_required_backend_is_exit_10(report_of, lines, who):
    """Whoever says that it is required: the reader, the event, or the session's own end."""
    status = 10 if who == "exitstatus" else 0
    report = report_of(
        [
            lines.session(columns=["k8s"]),
            lines.plan("a", column="k8s"),
            lines.event("unavailable", reason="no docker", required=who == "event"),
            lines.result("a", "not_run", "k8s", skip_kind="unavailable"),
            lines.finish(status),
        ],
        required=["k8s"] if who == "expected" else [],
    )

    assert report.verdict.exit_code == 10
    assert report.verdict.columns[0].reason == "required and unavailable: no docker"


@pytest.mark.parametrize(
    ("states", "judgement"),
    [
        (["probing", "up", "down"], "success"),
        (["failed", "up", "down"], "success"),
        (["up", "broken", "down"], "failure"),
        (["probing", "failed"], "failure"),
    ],
)
def test_a_backend_that_broke_is_red_even_if_optional(report_of, lines, states, judgement):
    report = report_of(
        [
            lines.session(columns=["k8s"]),
            lines.plan("a", column="k8s"),
            *(lines.event(state) for state in states),
            lines.result("a", column="k8s"),
            lines.finish(),
        ]
    )

    assert report.verdict.columns[0].judgement.value == judgement


def test_two_workers_that_disagree_about_a_backend_count_as_the_worse(report_of, lines):
    report = report_of(
        [
            lines.session(columns=["k8s"]),
            lines.plan("a", column="k8s"),
            lines.result("a", column="k8s"),
            lines.finish(),
        ],
        [lines.part(worker="gw0"), lines.event("broken", reason="died twice")],
        [lines.part(worker="gw1"), lines.event("up")],
    )

    assert report.verdict.columns[0].reason == "backend broke: died twice (1 passed)"


def test_not_run_without_an_unavailable_backend_is_red(report_of, lines):
    report = report_of(
        [
            lines.session(),
            lines.plan("a", "b"),
            lines.result("a"),
            lines.result("b", "not_run", skip_kind="deadline"),
            lines.finish(0),
        ]
    )

    assert report.verdict.columns[0].reason == "1 not run"
    assert report.verdict.judgement is Judgement.FAILURE


def test_no_records_at_all_is_red(report_of):
    report = report_of(required=["local"])

    assert report.verdict.judgement is Judgement.FAILURE
    assert report.verdict.exit_code == 1
    assert report.verdict.reason.startswith("no records at all")


def test_nothing_planned_anywhere_is_exit_5(report_of, lines):
    report = report_of([lines.session(), lines.finish(5)], required=["local"])

    assert report.verdict.judgement is Judgement.FAILURE
    assert report.verdict.exit_code == 5


def test_an_expected_column_that_no_session_reports_is_red_even_if_optional(report_of, lines):
    report = report_of(
        [lines.session(), lines.plan("a"), lines.result("a"), lines.finish()],
        optional=["k8s"],
    )

    assert report.verdict.reason == "k8s: absent: no session reported it"


def test_tests_without_a_backend_have_the_last_column(report_of, lines):
    report = report_of(
        [
            lines.session(),
            lines.plan("h", column=""),
            lines.plan("a"),
            lines.result("h", column=""),
            lines.result("a"),
            lines.finish(),
        ]
    )

    assert report.grid.columns == ["local", HOST]
    assert report.verdict.judgement is Judgement.SUCCESS


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
