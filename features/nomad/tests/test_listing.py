"""Unfinished tasks are found by what stands in their jobs, not by how these are named alone."""

from __future__ import annotations

from metaflow_extensions.nomad.job.identity import Attempt, prefix
from metaflow_extensions.nomad.listing import unfinished


def stub(flow="Train", run="7", user="me", status="running", **meta):
    attempt = Attempt(flow, run, "start", "1", 0, "s3://b", user)
    return {
        "ID": attempt.job,
        "Namespace": "ml",
        "Status": status,
        "SubmitTime": 1_796_000_000_000_000_000,
        "Meta": {**attempt.meta(), **meta},
    }


class Cluster:
    def __init__(self, *jobs):
        self.there, self.asked = jobs, []

    def jobs(self, start):
        self.asked.append(start)
        return [job for job in self.there if job["ID"].startswith(start)]


def found(cluster, *wished):
    return [(job.pathspec, job.status) for job in unfinished(cluster, *wished)]


def test_what_has_not_ended_is_listed():
    cluster = Cluster(stub(), stub(run="8", status="pending"), stub(run="9", status="dead"))

    assert found(cluster, "Train") == [
        ("Train/7/start/1", "running"),
        ("Train/8/start/1", "pending"),
    ]


def test_another_flow_with_the_same_beginning_is_not_meant():
    assert found(Cluster(stub("Training"), stub("Train-")), "Train") == []


def test_a_run_and_a_user_are_chosen():
    cluster = Cluster(stub(), stub(run="77"), stub(user="you"))

    assert len(found(cluster, "Train", "7")) == 2
    assert len(found(cluster, "Train", None, "you")) == 1


def test_what_is_not_ours_is_left_alone():
    other = {"ID": "mf-Train-x", "Status": "running", "Meta": None}

    assert found(Cluster(other), "Train") == []


def test_a_long_name_is_found_by_what_is_left_of_it():
    name = "F" * 300

    assert found(Cluster(stub(name)), name) == [(f"{name}/7/start/1", "running")]
    assert stub(name)["ID"].startswith(prefix(name, "7"))


def test_a_line_says_what_and_whose_it_is():
    (job,) = unfinished(Cluster(stub()), "Train")

    assert job.line().startswith("Train/7/start/1 attempt 0 of me: running since 2026-")
