"""Requests against a real HTTP server that does what servers do when they are not well."""

from __future__ import annotations

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from metaflow_extensions.nomad.api import session as sessions
from metaflow_extensions.nomad.api.backoff import asked_for, delays, passing
from metaflow_extensions.nomad.api.client import Client
from metaflow_extensions.nomad.api.session import Session, refusal
from metaflow_extensions.nomad.api.waiting import Waiting
from metaflow_extensions.nomad.connection import Connection
from metaflow_extensions.nomad.errors import (
    DeniedError,
    ExistsError,
    MissingError,
    NomadError,
    RefusedError,
    UnreachableError,
)

EXISTS = "Enforcing job modify index 0: job already exists"
RESET = object()


class Server(ThreadingHTTPServer):
    """Gives its answers one after the other, the last one for ever, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = [(200, "{}")]
        self.asked = []
        self.address = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        server = self.server
        server.asked.append((self.command, self.path, dict(self.headers), body))
        answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
        if answer is RESET:  # it was done, and nobody learns of it
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        status, text, *headers = answer
        self.send_response(status)
        for name, value in [("Content-Length", str(len(text))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - names of http.server

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def told():
    return []


@pytest.fixture
def client(server, told, monkeypatch):
    monkeypatch.setattr(sessions.time, "sleep", lambda _: None)
    session = Session(Connection(server.address, token="secret-id"), 60, told.append)
    return Client(session, "ml", "eu")


JOB = {"ID": "mf-x", "Meta": {}}


def test_a_job_is_registered_only_if_there_is_none(server, client):
    server.answers = [(200, json.dumps({"EvalID": "e1"}))]

    assert client.register(JOB).evaluation == "e1"

    ((method, path, headers, body),) = server.asked
    assert (method, path) == ("POST", "/v1/job/mf-x?namespace=ml&region=eu")
    assert headers["X-Nomad-Token"] == "secret-id"
    assert json.loads(body) == {"Job": JOB, "EnforceIndex": True, "JobModifyIndex": 0}


@pytest.mark.parametrize(
    "lost",
    [RESET, (429, "busy"), (503, "down"), (500, "No cluster leader"), (500, "rpc error: EOF")],
    ids=["reset", "429", "503", "no leader", "rpc error"],
)
def test_a_reply_that_was_lost_registers_nothing_twice(server, client, lost):
    server.answers = [lost, (500, EXISTS)]

    registered = client.register(JOB)

    assert (registered.job, registered.evaluation) == ("mf-x", "")
    assert len(server.asked) == 2


def test_a_storm_is_waited_for_and_told_once(server, client, told, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(sessions.time, "monotonic", lambda: float(next(clock)))
    client.session.met = True
    server.answers = [*[(429, "Too Many Requests")] * 5, (200, "[]", ("X-Nomad-Index", "7"))]

    assert client.allocations("mf-x") == (7, [])
    assert told == ["429 Too Many Requests", ""]


def test_patience_ends(server, client, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(sessions.time, "monotonic", lambda: float(next(clock)))
    client.session.met = True
    server.answers = [(503, "down")]

    with pytest.raises(UnreachableError, match="503 down"):
        client.job("mf-x")
    assert len(server.asked) < 60


def test_an_address_where_nobody_listens_is_said_soon(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(sessions, "FIRST_CONTACT", 0.3)
    client = Client(Session(Connection(f"http://127.0.0.1:{port}"), 600), None, None)

    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:\d+: Connection refused"):
        client.job("x")


REFUSED = {
    "denied": (403, "Permission denied", DeniedError, "submit-job"),
    "unknown job": (404, "job not found", MissingError, "job not found"),
    "unknown allocation": (500, 'Unknown allocation "x"', MissingError, "Unknown allocation"),
    "namespace": (500, 'job "x" is in nonexistent namespace "n"', RefusedError, "nonexistent"),
    "region": (500, "No path to region", RefusedError, "No path to region"),
    "id": (
        500,
        "1 error occurred:\n\t* Job ID contains a space\n\n",
        RefusedError,
        "Job ID contains",
    ),
    "tls": (400, "Client sent an HTTP request to an HTTPS server.", RefusedError, "https://"),
}


@pytest.mark.parametrize(("status", "text", "kind", "said"), REFUSED.values(), ids=REFUSED)
def test_a_refusal_is_not_asked_for_again_and_is_one_line(server, client, status, text, kind, said):
    server.answers = [(status, text)]

    with pytest.raises(kind) as error:
        client.job("x")

    assert len(server.asked) == 1
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_job_that_is_gone_is_as_good_as_stopped(server, client):
    server.answers = [(404, "job not found")]

    client.deregister("mf-x")

    assert server.asked[0][0] == "DELETE"


def test_a_blocking_query_waits_for_news_and_begins_anew_if_the_index_falls(server, client):
    server.answers = [(200, "[]", ("X-Nomad-Index", "5"))]

    assert client.allocations("mf-x", index=9) == (0, [])

    assert "index=9&wait=20s" in server.asked[0][1]


def test_allocations_come_oldest_first(server, client):
    found = [{"ID": "b", "CreateIndex": 2}, {"ID": "a", "CreateIndex": 1}]
    server.answers = [(200, json.dumps(found), ("X-Nomad-Index", "1"))]

    assert [one["ID"] for one in client.allocations("mf-x")[1]] == ["a", "b"]


def test_certificates_are_checked_whatever_the_environment_says(server, monkeypatch):
    """python-nomad passes verify=False by default, and requests heeds REQUESTS_CA_BUNDLE."""
    seen = []

    class Looking(Session):
        def send(self, request, **kwargs):
            seen.append(kwargs["verify"])
            return super().send(request, **kwargs)

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    for verify in (True, "/own/ca.pem"):
        Client(Looking(Connection(server.address, verify=verify), 1), None, None).job("x")

    assert seen[-1] == "/own/ca.pem"
    assert seen[0] is not False


def test_existing_is_told_apart_from_other_mistakes():
    assert isinstance(refusal(500, EXISTS), ExistsError)
    assert not isinstance(refusal(500, "no"), ExistsError)


def test_delays_grow_and_are_jittered():
    waits = delays()
    first = [next(waits) for _ in range(12)]

    assert 0.05 <= first[0] <= 0.1
    assert all(2.5 <= late <= 5 for late in first[8:])
    assert len(set(first)) == len(first)


@pytest.mark.parametrize(
    ("header", "seconds"), [(None, 0), ("9", 9), ("86400", 60), ("Wed, 21 Oct", 0), ("-1", 0)]
)
def test_a_server_may_ask_to_be_left_alone(header, seconds):
    assert asked_for(header) == seconds


def test_what_a_busy_server_asks_for_is_waited(server, client, monkeypatch):
    slept = []
    monkeypatch.setattr(sessions.time, "sleep", slept.append)
    client.session.met = True
    server.answers = [(429, "busy", ("Retry-After", "7")), (200, "{}")]

    client.job("mf-x")

    assert slept == [7.0]


def test_a_page_for_people_is_no_answer(server, client):
    server.answers = [(200, "<html>Sign in</html>", ("Content-Type", "text/html; charset=utf-8"))]

    with pytest.raises(RefusedError, match="answers with a web page"):
        client.job("mf-x")


def test_jobs_are_looked_for_in_all_namespaces(server, client):
    server.answers = [(200, "[]")]

    client.jobs("mf-x")
    client.within("other").deregister("mf-x")

    paths = [path for _, path, *_ in server.asked]
    assert paths[0].startswith("/v1/jobs?namespace=%2A&")
    assert "namespace=other" in paths[1]


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (429, "", True),
        (504, "", True),
        (500, "rpc error: Unknown allocation", False),
        (500, "something", False),
        (404, "no leader", False),
    ],
)
def test_only_what_may_pass_is_tried_again(status, text, expected):
    assert passing(status, text) is expected


CONNECTIONS = {
    "nothing": ({}, {}, Connection()),
    "nomad's own": (
        {"NOMAD_ADDR": "https://n:4646/", "NOMAD_TOKEN": "t", "NOMAD_NAMESPACE": "a"},
        {},
        Connection("https://n:4646", "t", "a"),
    ),
    "metaflow's win": (
        {"NOMAD_ADDR": "http://a:1", "NOMAD_REGION": "x"},
        {"ADDRESS": "http://b:2", "REGION": "y"},
        Connection("http://b:2", region="y"),
    ),
    "unchecked": ({"NOMAD_SKIP_VERIFY": "true"}, {}, Connection(verify=False)),
}


@pytest.mark.parametrize(("env", "settings", "expected"), CONNECTIONS.values(), ids=CONNECTIONS)
def test_where_the_server_is_is_read(env, settings, expected):
    assert Connection.of(env, settings) == expected


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"NOMAD_ADDR": "localhost:4646"}, "no address such as"),
        ({"NOMAD_CACERT": "/nowhere.pem"}, "NOMAD_CACERT='/nowhere.pem' cannot be read"),
        ({"NOMAD_CLIENT_CERT": __file__}, "belong together"),
    ],
)
def test_a_connection_that_cannot_be_is_refused(env, said):
    with pytest.raises(NomadError, match=said):
        Connection.of(env, {})


def test_a_token_is_not_shown():
    assert "secret-id" not in repr(Connection(token="secret-id"))


def test_a_server_that_many_wait_for_is_told_of_once():
    told = []
    waiting = Waiting(told.append)

    for reason in ("refused", "reset", "refused"):
        waiting.begin(reason)
    for _ in range(3):
        assert told == ["refused"]
        waiting.end(answered=True)

    assert told == ["refused", ""]


def test_of_a_wait_that_was_given_up_no_answer_is_told():
    told = []
    waiting = Waiting(told.append)

    waiting.begin("refused")
    waiting.end(answered=False)

    assert told == ["refused"]


def test_a_server_that_takes_connections_and_is_slow_is_waited_for(monkeypatch, told):
    monkeypatch.setattr(sessions, "FIRST_READ", 0.2)
    monkeypatch.setattr(sessions, "FIRST_CONTACT", 0.1)
    monkeypatch.setattr(sessions, "SHORT", 0.1)
    monkeypatch.setattr(sessions, "FIRST_ANSWER", 1.5)
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        address = f"http://127.0.0.1:{busy.getsockname()[1]}"
        client = Client(Session(Connection(address), 600, told.append), None, None)

        began = time.monotonic()
        with pytest.raises(UnreachableError, match="timed out"):
            client.job("x")

    assert time.monotonic() - began > 0.5
    assert told == ["timed out"]
