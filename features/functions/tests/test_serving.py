"""Over HTTP, with a real server: records in, results out, and every kind of mistake."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpcore  # noqa: F401 - httpx loads it late, and tests of plugins unload what they loaded
import httpx
import pytest
from metaflow_extensions.functions.errors import OutputError
from metaflow_extensions.functions.web.openapi import inlined

METAFLOW = str(Path(sys.executable).with_name("metaflow"))


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture
def served(bound, variables, eventually, tmp_path):
    """Serve a function by its name; gives a client and the process."""
    started = []

    def serve(name, *options, **binding):
        port = free_port()
        argv = [
            METAFLOW,
            "function",
            "serve",
            bound(name, **binding),
            "--port",
            str(port),
            *options,
        ]
        log = (tmp_path / "log").open("w")
        process = subprocess.Popen(argv, env=variables, stdout=log, stderr=log)
        log.close()
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10)
        started.append((process, client))
        eventually(lambda: _answers(client) or process.poll() is not None, 30)
        return client, process

    yield serve
    for process, client in started:
        client.close()
        process.kill()
        process.wait()


def _answers(client):
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("backend", ["local", "process"])
def test_a_served_function_answers_as_it_does_when_called(served, task, backend):
    client, _ = served("add", "--backend", backend, example={"x": 1})

    good = client.post("/add", json={"x": 1.5, "y": 2})
    assert (good.status_code, good.json()) == (200, {"total": 3.5})
    assert good.headers["X-Function-Task"] == task.pathspec
    assert len(good.headers["X-Function-Reference"]) == 32
    missing = client.post("/add", json={})
    assert missing.status_code == 422
    assert missing.json()["detail"] == [
        {"type": "missing", "loc": ["x"], "msg": "Field required"},
    ]
    for body in (b"{", b"", b'{"x": "a"}', b"\xff", b"[1]"):
        assert client.post("/add", content=body).status_code == 422, body
    assert client.post("/add", json={"x": 1}).json() == {"total": 1.0}

    document = client.get("/openapi.json").json()
    taken = document["paths"]["/add"]["post"]["requestBody"]["content"]["application/json"]
    assert taken["schema"]["properties"]["y"]["minimum"] == 0
    assert taken["example"] == {"x": 1}
    given = document["paths"]["/add"]["post"]["responses"]["200"]["content"]["application/json"]
    assert given["schema"]["properties"]["total"]["type"] == "number"

    metrics = client.get("/metrics").text
    assert 'status="200"} 2\n' in metrics
    assert 'status="422"} 6\n' in metrics
    assert client.get("/healthz").json() == {"status": "alive"}


def test_what_the_function_raises_is_500_without_its_inside_and_a_death_is_503(served):
    client, _ = served("acts")

    failed = client.post("/acts", json={"do": "sleep"})
    died = client.post("/acts", json={"do": "die"})

    assert (failed.status_code, failed.json()) == (500, {"detail": "the function raised KeyError"})
    assert died.status_code == 503
    assert client.post("/acts", json={}).status_code == 200


def test_calls_that_run_are_answered_before_the_server_ends(served):
    client, process = served("acts")
    answers = []

    def ask():
        answers.append(client.post("/acts", json={"do": "sleep", "seconds": 1}).status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.4)
    process.send_signal(signal.SIGTERM)
    asking.join()

    assert answers == [200]
    assert process.wait(10) in {0, -signal.SIGTERM}


def test_the_issues_endpoint_works_as_written(bound):
    from fastapi import FastAPI
    from metaflow import function_from_json

    fn = function_from_json(bound("predict"))
    app = FastAPI()

    @app.post("/own")
    def predict(payload: dict):
        return fn(payload)

    app.include_router(fn.router(), prefix="/v1")

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            for path in ("/own", "/v1/predict"):
                answer = await client.post(path, json={"a": 1, "b": 2})
                assert answer.json() == {"prediction": 6}
            fn.close()
            assert (await client.get("/v1/readyz")).status_code == 503
            assert (await client.post("/v1/predict", json={})).status_code == 503

    asyncio.run(ask())


@pytest.mark.parametrize("name", ["msgpack", "avro"])
def test_other_formats_are_negotiated(bound, name):
    """Records and results in a format that the headers name."""
    from fastapi import FastAPI
    from metaflow import function_from_json
    from metaflow_extensions.functions.serializers.registry import by_name

    fn = function_from_json(bound("add"), backend="local")
    about, form = fn.about.function, by_name(name)
    app = FastAPI()
    app.include_router(fn.router())

    async def ask(body, **headers):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return await client.post("/add", content=body, headers=headers)

    kinds = {"content-type": form.content_type, "accept": form.content_type}
    record = form.write({"x": 1.5, "y": 2}, about.input_schema)

    good = asyncio.run(ask(record, **kinds))
    assert good.headers["content-type"] == form.content_type
    assert form.read(good.content, about.output_schema) == {"total": 3.5}
    assert asyncio.run(ask(b"\xc1", **kinds)).status_code == 422
    assert asyncio.run(ask(b"{}", **{"content-type": "text/csv"})).status_code == 415
    assert asyncio.run(ask(b"{}", accept="text/csv")).status_code == 406


def test_dependencies_of_the_app_stand_before_the_function(bound):
    """Who may call is decided by them: a route that is quick must not pass them by."""
    from fastapi import Depends, FastAPI, HTTPException
    from metaflow import function_from_json

    def nobody():
        raise HTTPException(401)

    fn = function_from_json(bound("echo"), backend="local")
    open_app, closed_app, guarded_app = (
        FastAPI(),
        FastAPI(dependencies=[Depends(nobody)]),
        FastAPI(),
    )
    open_app.include_router(fn.router())
    closed_app.include_router(fn.router())
    guarded_app.include_router(fn.router(), dependencies=[Depends(nobody)])

    async def ask(app, path):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return (await client.post(path, json=[])).status_code

    for path in ("/echo", "/echo/batch"):
        codes = [asyncio.run(ask(app, path)) for app in (open_app, closed_app, guarded_app)]
        assert codes == [200, 401, 401]


def test_every_kind_of_output_is_over_http_what_it_is_in_a_call(bound):
    """The value of the conformance suite, or 500 where that has an error."""
    from fastapi import FastAPI
    from metaflow import function_from_json
    from scoring import KINDS

    fn = function_from_json(bound("kind"), backend="local")
    app = FastAPI()
    app.include_router(fn.router())

    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            return {name: await client.post("/kind", json=name) for name in KINDS}

    for name, answer in asyncio.run(ask()).items():
        try:
            expected = fn(name)
        except OutputError:
            assert answer.status_code == 500, name
            assert answer.json() == {"detail": "the function raised OutputError"}
        else:
            assert (answer.status_code, answer.json()) == (200, expected), name


@pytest.mark.parametrize("name", ["add", "predict", "echo", "greet", "vectors"])
def test_what_a_function_says_of_itself_is_valid_openapi(bound, name):
    from fastapi import FastAPI
    from metaflow import function_from_json
    from openapi_spec_validator import validate

    app = FastAPI()
    app.include_router(function_from_json(bound(name), backend="local").router())

    validate(app.openapi())
    assert {f"/{name}", f"/{name}/batch"} == set(app.openapi()["paths"])


def test_many_records_in_one_request(served):
    client, _ = served("vectors", "--workers", "2")
    rows = [{"x": 1}, {"y": 1}, {"x": -1}, {"x": 3}]

    answer = client.post("/vectors/batch", json=rows).json()

    assert answer["values"] == [2.0, None, None, 6.0]
    assert answer["errors"]["1"] == {
        "status": 422,
        "detail": [{"type": "missing", "loc": ["x"], "msg": "Field required"}],
    }
    assert answer["errors"]["2"] == {"status": 500, "detail": "the function raised OddError"}
    assert client.post("/vectors/batch", json={}).status_code == 422


def test_definitions_are_put_where_they_are_used_and_end_where_they_hold_themselves():
    schema = {
        "$defs": {
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}},
        },
        "anyOf": [{"$ref": "#/$defs/Node", "title": "first"}, {"type": "null"}],
    }

    assert inlined(schema) == {
        "anyOf": [
            {"type": "object", "properties": {"next": {}}, "title": "first"},
            {"type": "null"},
        ]
    }
