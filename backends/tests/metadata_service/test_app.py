"""The routes, and what they answer to what is wrong."""

from __future__ import annotations

import io
import json
import threading

import pytest
from metaflow_backends.metadata_service import Store
from metaflow_backends.metadata_service.app import respond

TASK = "/flows/F/runs/1/steps/s/tasks/1"


@pytest.fixture
def ask(tmp_path):
    store = Store(tmp_path / "metadata.sqlite")

    def ask(method, path, body=None, query="", raw=None):
        text = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query,
                   "CONTENT_LENGTH": str(len(text)), "wsgi.input": io.BytesIO(text)}  # fmt: skip
        status, answer = respond(store, environ)
        return int(status), answer

    return ask


@pytest.fixture
def task(ask):
    ask("POST", "/flows/F", {})
    ask("POST", "/flows/F/run", {"tags": ["mine"], "system_tags": ["runtime:dev"]})
    ask("POST", "/flows/F/runs/1/steps/s/step", {})
    ask("POST", "/flows/F/runs/1/steps/s/task", {})
    return TASK


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("GET", "/ping", None, 200),
        ("GET", "/version", None, 200),
        ("GET", "/nowhere", None, 404),
        ("GET", "/flows/G", None, 404),
        ("GET", "/flows/G/runs", None, 404),
        ("DELETE", "/flows/F", None, 404),
        ("POST", "/flows/F", {}, 409),
        ("POST", "/flows/G/run", {}, 404),
        ("POST", "/flows/F/run", {"run_number": 1}, 409),
        ("POST", "/flows/F/runs/9/heartbeat", {}, 404),
        ("POST", f"{TASK}/metadata", 7, 422),
        ("PATCH", "/flows/F/runs/1/tag/mutate", {"tags_to_add": [7]}, 422),
        ("PATCH", "/flows/F/runs/1/tag/mutate", {"tags_to_remove": ["runtime:dev"]}, 422),
        ("PATCH", "/flows/F/runs/9/tag/mutate", {"tags_to_add": ["x"]}, 404),
    ],
)
def test_every_request_has_its_answer(ask, task, method, path, body, expected):  # noqa: ARG001 - it makes the task
    status, _ = ask(method, path, body)

    assert expected == status


@pytest.mark.parametrize("value", ["v", 7, None, ["each:0:a"], {"k": 1}], ids=str)
def test_a_value_of_metadata_comes_back_as_it_was(ask, task, value):
    ask("POST", f"{task}/metadata", [{"field_name": "k", "value": value, "type": "k"}])

    (actual,) = ask("GET", f"{task}/metadata")[1]

    assert actual["value"] == value


def test_a_body_that_is_no_json_is_refused(ask):
    assert ask("POST", "/flows/F", raw=b"{")[0] == 400


def test_only_the_newest_attempts_artifacts_are_listed_unless_one_is_named(ask, task):
    for attempt, sha in ((0, "old"), (1, "new")):
        ask("POST", f"{task}/artifact", [{"name": "x", "attempt_id": attempt, "sha": sha}])

    newest = ask("GET", f"{task}/artifacts")[1]
    first = ask("GET", f"{task}/attempt/0/artifacts")[1]
    named = ask("GET", f"{task}/artifacts/x/attempt/0")[1]

    assert [[a["sha"] for a in newest], [a["sha"] for a in first], named["sha"]] == [
        ["new"], ["old"], "old",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["F/1/s/1"]),
        ("metadata_field_name=k&pattern=%5E%28%3F%3Av%29%24", ["F/1/s/1"]),
        ("metadata_field_name=k&pattern=%5Ex%24", []),
        ("metadata_field_name=other", []),
    ],
)
def test_tasks_are_filtered_by_their_metadata(ask, task, query, expected):
    ask("POST", f"{task}/metadata", [{"field_name": "k", "value": "v", "type": "k"}])

    actual = ask("GET", "/flows/F/runs/1/steps/s/filtered_tasks", query=query)[1]

    assert expected == actual


def test_a_pattern_that_is_none_is_refused(ask, task):  # noqa: ARG001 - it makes the task
    answer = ask("GET", "/flows/F/runs/1/steps/s/filtered_tasks", query="pattern=%28")

    assert answer[0] == 422


def test_writers_side_by_side_mint_every_number_once(tmp_path):
    store = Store(tmp_path / "metadata.sqlite")
    store.create((), "F", {})
    minted = []

    def write():
        minted.extend(int(store.create(("F",), None, {})["run_number"]) for _ in range(25))

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(minted) == list(range(1, 201))
