"""Publishing ends with the same check runs whatever happens on the way, at GitHub's pace."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_metaflow_backends.github import checks as planner
from pytest_metaflow_backends.github import jobs
from pytest_metaflow_backends.github.client import GitHubError
from pytest_metaflow_backends.github.event import WorkflowRun
from pytest_metaflow_backends.github.publish import publish
from strict_github import faults

HEAD = "a" * 40


@pytest.fixture
def planned(report_of, lines, event):
    """Two backends, one with 120 ways to fail, and the summary: 3 checks, 5 writes."""
    tests = [f"t{n}" for n in range(120)]
    failed = [lines.result(t, "failed", attempts=[lines.attempt(fingerprint=t)]) for t in tests]
    passed = lines.result("x", column="k8s")
    report = report_of(
        [
            lines.session(columns=["local", "k8s"]),
            lines.plan(*tests),
            lines.plan("x", column="k8s"),
            *failed,
            passed,
            lines.finish(1, failed=120, passed=1),
        ]
    )
    return planner.checks(report, event)


def fresh(server):
    """What a publication without any trouble leaves, but for the numbers."""
    return [state[1:] for state in server.state()]


@pytest.fixture
def expected(planned):
    from collections import Counter
    from json import dumps

    return [
        (
            check.name,
            check.conclusion,
            check.output,
            Counter(dumps(note.body(), sort_keys=True) for note in check.annotations),
        )
        for check in planned
    ]


def test_check_runs_are_made_with_all_their_annotations(planned, expected, server, github):
    published = publish(planned, HEAD, github)

    assert fresh(server) == expected
    assert [one.conclusion for one in published] == ["failure", "success", "failure"]
    assert published[0].url == f"https://github.com/o/r/runs/{published[0].id}"
    assert server.writes == 5
    assert len(server.requests) == PLACES
    assert server.refused == []


def test_publishing_twice_leaves_the_same_check_runs(planned, server, github):
    first = publish(planned, HEAD, github)
    state = server.state()

    writes = server.writes

    second = publish(planned, HEAD, github)

    assert second == first
    assert server.state() == state
    assert server.writes == writes


def test_a_new_attempt_of_the_run_has_check_runs_of_its_own(planned, server, github):
    publish(planned, HEAD, github)
    again = [
        replace(check, external_id=check.external_id.replace("7/1/", "7/2/")) for check in planned
    ]

    publish(again, HEAD, github)

    assert len(server.runs) == 6


def test_annotations_that_are_no_longer_true_are_left_behind_with_their_check_run(
    planned, server, github
):
    """GitHub takes none away, so what changed is a new check run of the same name."""
    publish(planned, HEAD, github)
    better = [replace(planned[0], annotations=planned[0].annotations[:3], conclusion="success")]

    newer = publish(better, HEAD, github)[0]

    assert server.runs[newer.id]["conclusion"] == "success"
    assert len(server.notes[newer.id]) == 3
    assert newer.id == max(server.runs)


def test_a_check_that_github_refuses_keeps_no_other_back(planned, server, github):
    """The summary comes last, and must not be missing."""
    bad = replace(planned[0], output={**planned[0].output, "summary": "x" * 70_000})

    with pytest.raises(GitHubError, match="422"):
        publish([bad, *planned[1:]], HEAD, github)

    assert {run["name"] for run in server.runs.values()} == {c.name for c in planned[1:]}


def test_a_publication_that_broke_off_is_completed_by_the_next(planned, expected, server, github):
    server.faults.extend([faults.fine, faults.fine, faults.no_rights])
    with pytest.raises(GitHubError, match="checks: write"):
        publish(planned, HEAD, github)

    publish(planned, HEAD, github)

    assert fresh(server) == expected


PLACES = 6  # requests of a publication: one looks what is there, five write
HARMLESS = [
    faults.secondary_limit,
    faults.silent_limit,
    faults.limit_with_time,
    faults.used_up,
    faults.bad_gateway,
    faults.unreachable,
    faults.reset_before,
    faults.reset_after,
    faults.bad_gateway_after,
    faults.no_json,
]


@pytest.mark.parametrize("place", range(PLACES))
@pytest.mark.parametrize("fault", HARMLESS, ids=lambda fault: fault.__name__)
def test_a_passing_fault_anywhere_changes_nothing(planned, expected, server, github, fault, place):
    server.faults.extend([*[faults.fine] * place, fault])

    publish(planned, HEAD, github)

    assert fresh(server) == expected
    assert server.refused == []
    assert not server.faults


@pytest.mark.parametrize("fault", HARMLESS, ids=lambda fault: fault.__name__)
def test_a_fault_again_and_again_changes_nothing(planned, expected, server, github, fault):
    server.faults.extend([fault, *[faults.fine] * 4] * 20)

    publish(planned, HEAD, github)

    assert fresh(server) == expected


def test_a_request_that_is_delivered_twice_leaves_the_newest_check_run_right(
    planned, expected, server, github
):
    server.faults.extend([faults.fine, *[faults.delivered_twice] * 5])

    publish(planned, HEAD, github)

    newest = {state[0]: state[1:] for state in fresh(server)}
    assert {name: state[:2] for name, state in newest.items()} == {
        name: (conclusion, output) for name, conclusion, output, _ in expected
    }
    # Those of a repeated update stand twice: GitHub takes none away. None is missing or wrong.
    for name, _, _, notes in expected:
        assert newest[name][2].keys() == notes.keys()


@pytest.mark.parametrize("fault", [faults.secondary_limit, faults.bad_gateway, faults.reset_before])
def test_a_fault_that_stays_ends_with_one_line(planned, server, github, clock, fault):
    server.faults.extend([faults.fine, *[fault] * 500])

    with pytest.raises(GitHubError) as raised:
        publish(planned, HEAD, github)

    assert "\n" not in str(raised.value)
    assert len(server.requests) < 20
    assert sum(clock.waits) < 3600


def test_rights_that_are_missing_are_said_at_once(planned, server, github, clock):
    server.faults.extend([faults.fine, faults.no_rights])

    with pytest.raises(
        GitHubError, match=r"Resource not accessible .* `permissions: checks: write`"
    ):
        publish(planned, HEAD, github)

    assert sum(clock.waits) < 5


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/actions/runs/7/artifacts", "actions: read"),
        ("/pulls/5/files", "pull-requests: read"),
        ("/contents/matrix.yaml", "contents: read"),
        ("/commits/main/check-runs", "checks: write"),
    ],
)
def test_the_right_that_reading_needs_is_named(server, github, path, right):
    server.faults.append(faults.no_rights)

    with pytest.raises(GitHubError, match=f"its job needs `permissions: {right}`"):
        github.read(path)


RUN = WorkflowRun(7, 1, "https://github.com/o/r/actions/runs/7")


def test_without_the_right_to_read_jobs_there_are_none(server, github):
    server.jobs = [{"name": "units", "conclusion": "success"}]
    server.faults.append(faults.no_rights)

    assert jobs.jobs(github, RUN) == []
    assert jobs.jobs(github, RUN) == server.jobs


def test_jobs_that_cannot_be_read_for_another_reason_are_an_error(server, github):
    """A job that broke would pass unseen."""
    server.faults.extend([faults.bad_gateway] * 10)

    with pytest.raises(GitHubError, match="502"):
        jobs.jobs(github, RUN)


def test_a_token_that_is_not_valid_is_said_at_once(planned, server, github):
    server.token = "another"

    with pytest.raises(GitHubError, match=r"401 .*the token is not valid"):
        publish(planned, HEAD, github)


def test_no_more_than_80_writes_a_minute_are_sent(planned, server, github):
    many = [
        replace(check, name=f"{check.name} {n}", external_id=f"{check.external_id} {n}")
        for n in range(60)
        for check in planned
    ]
    server.faults.extend([faults.fine, faults.limit_with_time, faults.fine] * 20)

    publish(many, HEAD, github)

    assert server.writes >= 300
    for start in server.times:
        assert sum(start <= at < start + 60 for at in server.times) <= 80


def test_a_limit_that_lasts_too_long_is_an_error_with_its_time(planned, server, github, clock):
    def an_hour(*_):
        import httpx

        return httpx.Response(429, headers={"retry-after": "3600"})

    server.faults.extend([faults.fine, an_hour])

    with pytest.raises(GitHubError, match="asked to wait 3600 s"):
        publish(planned, HEAD, github)

    assert sum(clock.waits) < 60


def test_many_check_runs_of_one_commit_are_all_looked_through(planned, server, github):
    for number in range(250):
        server.runs[number] = {"name": f"n{number}", "head_sha": HEAD, "output": {}}
        server.notes[number] = []
    first = publish(planned, HEAD, github)

    assert publish(planned, HEAD, github) == first
