"""Which commit, run and repository an event is about; nothing is taken from anywhere else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.github.event import Event, WorkflowRun, parse, read

HEAD, BASE, MERGE = "a" * 40, "b" * 40, "c" * 40
OURS, THEIRS = {"full_name": "Netflix/metaflow"}, {"full_name": "someone/metaflow"}
RUN = WorkflowRun(77, 2, "https://github.com/Netflix/metaflow/actions/runs/77")


def environment(name, **more):
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_EVENT_NAME": name,
        "GITHUB_REPOSITORY": "Netflix/metaflow",
        "GITHUB_SHA": MERGE,
        "GITHUB_RUN_ID": "77",
        "GITHUB_RUN_ATTEMPT": "2",
        **more,
    }


def pull_request(head_repository=OURS, **more):
    pull = {
        "head": {"sha": HEAD, "repo": head_repository},
        "base": {"sha": BASE, "repo": OURS},
        "labels": [{"name": "bug"}, {"name": "backend:k8s"}],
    }
    return {"number": 5, "pull_request": {**pull, **more}}


def workflow_run(**more):
    run = {
        "id": 41,
        "run_attempt": 3,
        "head_sha": HEAD,
        "html_url": "https://github.com/Netflix/metaflow/actions/runs/41",
        "repository": OURS,
        "head_repository": THEIRS,
        "head_branch": "fix",
        "event": "pull_request",
        "conclusion": "success",
        "pull_requests": [],
    }
    return {"workflow_run": {**run, **more}}


THAT_RUN = WorkflowRun(41, 3, "https://github.com/Netflix/metaflow/actions/runs/41")
BY_PULL_REQUEST = {"trigger": "pull_request", "conclusion": "success"}
LABELS = ("bug", "backend:k8s")
EVENTS = {
    "a pull request": (
        "pull_request",
        pull_request(),
        {"head": HEAD, "base": BASE, "number": 5, "labels": LABELS},
    ),
    "one of a fork": (
        "pull_request",
        pull_request(THEIRS),
        {"head": HEAD, "base": BASE, "number": 5, "labels": LABELS, "fork": True},
    ),
    "one of a fork that was deleted": (
        "pull_request",
        pull_request(None),
        {"head": HEAD, "base": BASE, "number": 5, "labels": LABELS, "fork": True},
    ),
    "a merge queue": (
        "merge_group",
        {"merge_group": {"head_sha": HEAD, "base_sha": BASE}},
        {"head": HEAD},
    ),
    "a push": ("push", {"before": BASE, "after": MERGE}, {"head": MERGE}),
    "a schedule": ("schedule", {"schedule": "0 0 * * *"}, {"head": MERGE}),
    "a dispatch": ("workflow_dispatch", {"inputs": {}}, {"head": MERGE}),
    "a run of a fork that has ended": (
        "workflow_run",
        workflow_run(),
        {"head": HEAD, "fork": True, "run": THAT_RUN, "branch": "someone:fix", **BY_PULL_REQUEST},
    ),
    "a run of our own that has ended": (
        "workflow_run",
        workflow_run(head_repository=OURS, pull_requests=[{"number": 5}]),
        {"head": HEAD, "number": 5, "run": THAT_RUN, "branch": "Netflix:fix", **BY_PULL_REQUEST},
    ),
}


@pytest.mark.parametrize(("name", "payload", "facts"), EVENTS.values(), ids=EVENTS)
def test_an_event_says_which_commit_is_meant(name, payload, facts):
    expected = Event(name=name, repository="Netflix/metaflow", **{"run": RUN, **facts})

    assert parse(environment(name), payload) == expected


MALFORMED = {
    "no pull request": ("pull_request", {}, "has no pull_request"),
    "a head that is none": (
        "pull_request",
        pull_request(head={"sha": "main", "repo": OURS}),
        "pull_request.head.sha",
    ),
    "a sha with more behind it": (
        "workflow_run",
        workflow_run(head_sha=f"{HEAD}/../.."),
        "workflow_run.head_sha",
    ),
    "a run of another repository": (
        "workflow_run",
        workflow_run(repository=THEIRS),
        "workflow_run.repository is someone/metaflow, and this is Netflix/metaflow",
    ),
    "a run without a number": ("workflow_run", workflow_run(id="41; rm"), "workflow_run.id"),
    "a run with a number that no run has": ("workflow_run", workflow_run(id=10**30), "run.id"),
    "an attempt that is none": ("workflow_run", workflow_run(run_attempt=True), "run_attempt"),
}


@pytest.mark.parametrize(("name", "payload", "said"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_event_is_refused_with_the_name_of_the_field(name, payload, said):
    with pytest.raises(UsageError, match=said.replace(".", r"\.")):
        parse(environment(name), payload)


def test_labels_that_are_none_are_passed_over():
    event = parse(environment("pull_request"), pull_request(labels=5))

    assert event.labels == ()


def test_a_repository_that_is_none_is_refused():
    parse(environment("push", GITHUB_REPOSITORY="mona_acme/repo"), {})  # of a company's own users
    with pytest.raises(UsageError, match="GITHUB_REPOSITORY"):
        parse(environment("push", GITHUB_REPOSITORY="a/b/../c"), {})


def test_the_event_is_read_from_the_file_that_the_runner_wrote(tmp_path):
    path = tmp_path / "event.json"
    path.write_text(json.dumps(pull_request()))

    event = read(environment("pull_request", GITHUB_EVENT_PATH=str(path)))

    assert (event.head, event.number) == (HEAD, 5)


@pytest.mark.parametrize("content", [None, "", "[]", "{", "[" * 100_000])
def test_an_unreadable_event_is_one_line(tmp_path, content):
    path = tmp_path / "event.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(UsageError, match="GITHUB_EVENT_PATH"):
        read(environment("pull_request", GITHUB_EVENT_PATH=str(path)))


def test_outside_github_there_is_no_event():
    with pytest.raises(UsageError, match="no job of GitHub Actions"):
        read({})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
FIELDS = ["head", "base", "labels", "sha", "repo", "id", "head_sha", "run_attempt", "repository"]


@given(
    st.sampled_from(["pull_request", "merge_group", "push", "workflow_run", "schedule"]),
    st.dictionaries(
        st.sampled_from(["pull_request", "merge_group", "workflow_run", "before", "number"]),
        JSON | st.dictionaries(st.sampled_from(FIELDS), JSON),
    ),
)
def test_no_payload_makes_the_reader_fail_otherwise(name, payload):
    try:
        event = parse(environment(name), payload)
    except UsageError:
        return

    assert len(event.head) == 40
