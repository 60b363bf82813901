"""A FastAPI router for a function: records in, results out, and what an orchestrator asks for."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.codec import decode, encode
from metaflow_extensions.functions.errors import (
    CallTimeoutError,
    ClosedError,
    InputError,
    MissingExtraError,
    WorkerDiedError,
)
from metaflow_extensions.functions.rows import RowError
from metaflow_extensions.functions.web.metrics import TYPE, Metrics
from metaflow_extensions.functions.web.negotiating import Formats
from metaflow_extensions.functions.web.negotiating import many as read_many
from metaflow_extensions.functions.web.openapi import of_many, of_one

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from metaflow_extensions.functions.handle import JsonFunction

LOG = logging.getLogger("metaflow.functions")
JSON = "application/json"
GOOD = 200
FORMATS = b'{"detail":"formats are application/json, those of extras, and of entry points"}'


def router(handle: JsonFunction, route_class: Any = None) -> Any:
    """Give the router; MissingExtraError if FastAPI is not installed.

    `route_class` is FastAPI's unless there is a reason.
    """
    try:
        from fastapi import APIRouter, Request, Response
    except ImportError:
        raise MissingExtraError(
            'serving needs FastAPI: pip install "metaflow-open-functions[fastapi]"'
        ) from None
    handle.start()
    reference = handle.about
    name = reference.function.name
    metrics = Metrics(name, reference.uuid)
    headers = {"X-Function-Reference": reference.uuid, "X-Function-Task": reference.task}
    made = APIRouter()

    async def one(request):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - set below
        status, body, kind = await answered(handle, request.headers, await request.body(), metrics)
        return Response(body, status, headers, kind)

    async def many(request):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - set below
        status, body = await all_answered(handle, request.headers, await request.body(), metrics)
        return Response(body, status, headers, JSON)

    for way in (one, many):
        way.__annotations__ = {"request": Request}  # FastAPI could not resolve a local name
    common: dict[str, Any] = {
        "methods": ["POST"],
        "response_class": Response,
        "route_class_override": route_class,
    }
    made.add_api_route(f"/{name}", one, **common, **of_one(reference))
    made.add_api_route(f"/{name}/batch", many, **common, **of_many(reference))
    _add_probes(made, handle, metrics)
    return made


def _add_probes(made: Any, handle: JsonFunction, metrics: Metrics) -> None:
    from fastapi import Response

    async def alive() -> Any:
        return Response(b'{"status":"alive"}', media_type=JSON)

    async def ready() -> Any:
        if handle.is_open:
            return Response(b'{"status":"ready"}', media_type=JSON)
        return Response(b'{"status":"closed"}', 503, media_type=JSON)

    async def counted() -> Any:
        return Response(metrics.text(), media_type=TYPE)

    for path, way in (("/healthz", alive), ("/readyz", ready), ("/metrics", counted)):
        made.add_api_route(path, way, response_class=Response, include_in_schema=False)


async def answered(
    handle: JsonFunction, headers: Mapping[str, str], body: bytes, metrics: Metrics
) -> tuple[int, bytes, str]:
    """Run a record that came over HTTP; gives a status, a body and its type."""
    formats = Formats.of(headers)
    if isinstance(formats, int):
        return formats, FORMATS, JSON

    def run() -> bytes:
        payload = formats.payload(body, handle.about)
        return formats.body(handle.raw(payload), handle.about)

    status, said = await _measured(run, metrics)
    return status, said, formats.given.content_type if status == GOOD else JSON


async def all_answered(
    handle: JsonFunction, headers: Mapping[str, str], body: bytes, metrics: Metrics
) -> tuple[int, bytes]:
    """Run many records; gives results by place, and null with an error for each that failed."""
    formats = Formats.of(headers)
    if isinstance(formats, int):
        return formats, FORMATS

    def run() -> bytes:
        records = read_many(formats.taken, body, handle.about.function.input_schema)
        if not isinstance(records, list):
            raise InputError("a list of records is wanted")
        rows = handle.map(records, on_error="return")
        errors = {str(n): _short(row) for n, row in enumerate(rows) if isinstance(row, RowError)}
        values = [None if isinstance(row, RowError) else row for row in rows]
        return encode({"values": values, "errors": errors})

    return await _measured(run, metrics)


async def _measured(run: Callable[[], bytes], metrics: Metrics) -> tuple[int, bytes]:
    """Run in a thread, so that the loop goes on; whatever is raised is an answer."""
    from anyio.to_thread import run_sync

    metrics.begin()
    began, status = time.perf_counter(), 500
    try:
        body = await run_sync(run)
        status = GOOD
    except Exception as error:  # noqa: BLE001 - whatever the function raises is an answer
        status, body = refused(error)
    finally:
        metrics.end(status, time.perf_counter() - began)
    return status, body


def _short(row: RowError) -> dict[str, Any]:
    """Say what a row failed of; what the record was, its sender knows."""
    status, body = refused(row.error)
    return {"status": status, **decode(body)}


def refused(error: Exception) -> tuple[int, bytes]:
    """Give status and body for an exception; its trace goes to the log, not to strangers."""
    if isinstance(error, InputError):
        return 422, encode({"detail": error.errors})
    if isinstance(error, CallTimeoutError):
        return 504, encode({"detail": str(error)})
    if isinstance(error, WorkerDiedError | ClosedError):
        return 503, encode({"detail": str(error)})
    LOG.error("the function raised %s: %s%s", type(error).__name__, error, error.__cause__ or "")
    return 500, encode({"detail": f"the function raised {type(error).__name__}"})
