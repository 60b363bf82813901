"""A network and a server that are not well, before a real agent: nothing is lost or run twice."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import closing, contextmanager, suppress
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from urllib.parse import urlsplit

import pytest

pytestmark = [
    pytest.mark.backends("nomad/raw_exec"), pytest.mark.timeout(300), pytest.mark.faults,
]  # fmt: skip
ALONE = {"connection", "transfer-encoding", "content-length"}  # headers of one connection only

ENOUGH = 300  # bytes of a stream until it breaks


class Fate(Enum):
    """What becomes of a request."""

    BUSY = (429, "Too Many Requests")
    DOWN = (503, "no server")
    LEADERLESS = (500, "No cluster leader")
    UNSEEN = "cut before the agent hears of it"
    UNHEARD = "cut in the middle of the agent's answer"
    BROKEN = "cut after some of the stream"


class Between(ThreadingHTTPServer):
    """Asks `fate(number, method, path)` for each request; None passes it on as it is."""

    daemon_threads = True

    def __init__(self, agent, fate):
        super().__init__(("127.0.0.1", 0), Handler)
        parts = urlsplit(agent)
        self.agent = (parts.hostname, parts.port)
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.fate, self.lock = fate, threading.Lock()
        self.asked = []

    def decide(self, method, path):
        with self.lock:
            found = self.fate(len(self.asked), method, path)
            self.asked.append((method, path.partition("?")[0], found))
        return found

    def suffered(self):
        return {fate for *_, fate in self.asked if fate}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fate = self.server.decide(self.command, self.path)
        if fate is Fate.UNSEEN:
            self.cut()
        elif fate is not None and isinstance(fate.value, tuple):
            status, text = fate.value
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())
        else:
            with suppress(OSError, http.client.HTTPException):
                self.pass_on(body, fate)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - names of http.server

    def pass_on(self, body, fate):
        headers = {n: v for n, v in self.headers.items() if n.lower() not in ALONE | {"host"}}
        with closing(http.client.HTTPConnection(*self.server.agent, timeout=60)) as agent:
            agent.request(self.command, self.path, body or None, headers)
            with agent.getresponse() as answer:
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ALONE:
                        self.send_header(name, value)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.stream(answer, fate)

    def stream(self, answer, fate):
        passed = 0
        while piece := answer.read1(65536):
            if fate is Fate.UNHEARD or (fate is Fate.BROKEN and passed + len(piece) > ENOUGH):
                self.wfile.write(b"%x\r\n%s" % (len(piece), piece[: len(piece) // 2]))
                self.cut()
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            passed += len(piece)
        self.wfile.write(b"0\r\n\r\n")

    def cut(self):
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_):
        pass


@contextmanager
def between(agent, fate):
    """Stand before an agent for a while."""
    with Between(agent, fate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


STORM = (Fate.BUSY, None, Fate.DOWN, Fate.LEADERLESS, None, Fate.UNSEEN, Fate.UNHEARD, None)
COUNT = "for i in $(seq 100); do echo line $i; sleep 0.05; done"
LINES = [f"line {number}".encode() for number in range(1, 101)]


@pytest.mark.smoke
def test_a_storm_costs_time_and_nothing_else(counted, client, environment):
    weather = cycle(STORM)
    with between(environment["NOMAD_ADDR"], lambda *_: next(weather)) as server:
        run = counted(seconds=3, NOMAD_ADDR=server.address)
        code, out = run.ended()

    assert code == 0, out
    assert server.suffered() == set(STORM) - {None}
    ((attempt, allocation, job),) = run.starts()
    assert attempt == "0"
    assert [one["ID"] for one in client.allocations(job)[1]] == [allocation]
    assert "Traceback" not in out


@pytest.mark.parametrize("fate", [Fate.UNHEARD, Fate.UNSEEN], ids=lambda fate: fate.name.lower())
def test_a_registration_whose_answer_is_lost_runs_the_code_once(counted, client, environment, fate):
    lost = []

    def once(_number, method, path):
        if method == "POST" and "/v1/job/" in path and not lost:
            lost.append(path)
            return fate
        return None

    with between(environment["NOMAD_ADDR"], once) as server:
        run = counted(seconds=1, NOMAD_ADDR=server.address)
        code, out = run.ended()

    assert code == 0, out
    assert lost
    ((attempt, allocation, job),) = run.starts()
    assert attempt == "0"
    assert [one["ID"] for one in client.allocations(job)[1]] == [allocation]
    assert ("is there already" in out) is (fate is Fate.UNHEARD)


def test_streams_that_break_in_the_middle_lose_and_double_no_line(launched, connected, environment):
    def broken(_number, _method, path):
        return Fate.BROKEN if "/client/fs/logs/" in path and "follow=true" in path else None

    with between(environment["NOMAD_ADDR"], broken) as server:
        through = connected(NOMAD_ADDR=server.address)
        end, screen, _ = launched("bash", "-c", COUNT, through=through)

    assert end.succeeded
    assert screen.lines["stdout"] == LINES
    assert sum(fate is Fate.BROKEN for *_, fate in server.asked) > 3
