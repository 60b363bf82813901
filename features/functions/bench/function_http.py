"""Requests a second of a served function beside FastAPI written by hand for the same model."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

from shared.bound import FLOWS, bound, tell

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

REPEATS, SECONDS = 5, 1.5
BODY = b'{"x": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}'
BY_HAND = """
import sys
sys.path.insert(0, sys.argv[1])
import scored, uvicorn
from fastapi import FastAPI
from metaflow import FunctionParameters

params = FunctionParameters(weights=[0.1 * n for n in range(10)])
app = FastAPI()

@app.post("/predict")
def predict(data: scored.Features) -> scored.Prediction:
    return scored.predict(data, params)

@app.get("/readyz")
def ready():
    return {}

uvicorn.run(app, port=int(sys.argv[2]), access_log=False, log_level="warning")
"""


def main() -> None:
    with bound() as bind:
        reference = bind("predict")
        metaflow = str(Path(sys.executable).with_name("metaflow"))
        serve = [metaflow, "function", "serve", reference]
        with (
            server([*serve, "--backend", "local", "--port"]) as local,
            server([*serve, "--workers", "1", "--port"]) as process,
            server([sys.executable, "-c", BY_HAND, str(FLOWS)]) as by_hand,
        ):
            for connections in (1, 8):
                rates = alternating((local, process, by_hand), connections)
                for name, ours, goal in (("local", rates[0], 0.85), ("process", rates[1], 0.6)):
                    told = f"function_http_{name}_c{connections}"
                    tell(told, ours, rates[2], goal, REPEATS, least=True)


@contextmanager
def server(argv: Sequence[str]) -> Iterator[int]:
    """Start a server at a free port, and wait until it is ready."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    process = subprocess.Popen(
        [*argv, str(port)], env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(600):
            try:
                HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/readyz")
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def alternating(ports: Sequence[int], connections: int) -> list[float]:
    """Give the median of requests a second at each port."""
    found: list[list[float]] = [[] for _ in ports]
    for _ in range(REPEATS):
        for port, into in zip(ports, found, strict=True):
            into.append(rate(port, connections))
    return [statistics.median(each) for each in found]


def rate(port: int, connections: int) -> float:
    counts = [0] * connections
    until = time.monotonic() + SECONDS

    def ask(number: int) -> None:
        client = HTTPConnection("127.0.0.1", port, timeout=10)
        while time.monotonic() < until:
            client.request("POST", "/predict", BODY, {"Content-Type": "application/json"})
            answer = client.getresponse()
            answer.read()
            if answer.status != 200:
                sys.exit(f"port {port} answers {answer.status}")
            counts[number] += 1
        client.close()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


if __name__ == "__main__":
    main()
