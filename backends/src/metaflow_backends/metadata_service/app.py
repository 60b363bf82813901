"""The routes that Metaflow 2.19 uses, as a WSGI application.

Source: `metaflow.plugins.metadata_providers.service` and `metaflow.metadata_provider.heartbeat`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote

from metaflow_backends.metadata_service.store import Conflict, Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from metaflow_backends.metadata_service.store import Store

VERSION = "2.5.0"  # whose routes these are: Metaflow asks what it may use
HEARTBEAT = 10  # seconds until the next one

Environ = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request: what its path names, and what it brings."""

    path: tuple[str, ...]  # flow, run, step, task, as far as it goes
    rest: Mapping[str, str]  # what else the path names
    query: Mapping[str, str]
    body: Any = None


def application(store: Store) -> Callable[[Environ, Any], Iterable[bytes]]:
    """Give the application that serves a store."""

    def serve(environ: Environ, start_response: Any) -> Iterable[bytes]:  # noqa: ANN401 - WSGI's
        status, answer = respond(store, environ)
        body = json.dumps(answer).encode()
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("METADATA_SERVICE_VERSION", VERSION),
        ]
        start_response(f"{status.value} {status.phrase}", headers)
        return [body]

    return serve


def respond(store: Store, environ: Environ) -> tuple[HTTPStatus, Any]:
    """Answer one request; what is wrong with it is an answer, too."""
    method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
    try:
        for wanted, pattern, handle in ROUTES:
            if wanted == method and (found := pattern.fullmatch(path)):
                return HTTPStatus.OK, handle(store, _request(found, environ))
    except Missing as missing:
        return HTTPStatus.NOT_FOUND, {"message": f"there is no {missing}"}
    except Conflict as conflict:
        return HTTPStatus.CONFLICT, {"message": str(conflict)}
    except json.JSONDecodeError as error:
        return HTTPStatus.BAD_REQUEST, {"message": f"the body is no JSON: {error}"}
    except (ValueError, TypeError, KeyError, AttributeError, re.error) as error:
        return HTTPStatus.UNPROCESSABLE_ENTITY, {"message": str(error)}
    return HTTPStatus.NOT_FOUND, {"message": f"there is no route {method} {path}"}


def _request(found: re.Match[str], environ: Environ) -> Request:
    named = {name: unquote(text) for name, text in found.groupdict().items() if text is not None}
    path = tuple(named.pop(key) for key in ("flow", "run", "step", "task") if key in named)
    query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    length = int(environ.get("CONTENT_LENGTH") or 0)
    text = environ["wsgi.input"].read(length) if length else b""
    return Request(path, named, query, json.loads(text) if text else {})


def _ping(_store: Store, _request: Request) -> Any:  # noqa: ANN401 - JSON
    return "pong"


def _version(_store: Store, _request: Request) -> Any:  # noqa: ANN401 - JSON
    return VERSION


def _get(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    return store.get(*request.path)


def _children(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    return store.children(*request.path)


def _create_flow(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    return store.create((), request.path[0], request.body)


def _create_run(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    return store.create(request.path, _id(request.body, "run_number"), request.body)


def _create_step(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    return store.create(request.path[:2], request.path[2], request.body)


def _create_task(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    return store.create(request.path, _id(request.body, "task_id"), request.body)


def _beat(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    store.beat(*request.path)
    # Metaflow decodes the answer twice.
    return json.dumps({"wait_time_in_seconds": HEARTBEAT})


def _mutate_tags(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    add, remove = (request.body.get(name) or [] for name in ("tags_to_add", "tags_to_remove"))
    if not all(isinstance(tag, str) for tag in (*add, *remove)):
        raise ValueError("tags are texts")
    flow, run = request.path
    return {"tags": store.mutate_tags(flow, run, add, remove)}


def _add_artifacts(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    store.add_artifacts(request.path, request.body)
    return {"artifacts_created": len(request.body)}


def _artifacts(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    attempt = request.rest.get("attempt")
    return store.artifacts(*request.path, attempt=None if attempt is None else int(attempt))


def _artifact(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    name = request.rest["artifact"]
    for found in _artifacts(store, request):
        if found["name"] == name:
            return found
    raise Missing("/".join((*request.path, name)))


def _add_metadata(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    store.add_metadata(request.path, request.body)
    return {"metadata_created": len(request.body)}


def _metadata(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    return store.metadata(*request.path)


def _filtered(store: Store, request: Request) -> Any:  # noqa: ANN401 - JSON
    query = request.query
    return store.tasks_with(request.path, query.get("metadata_field_name"), query.get("pattern"))


def _id(body: Mapping[str, Any], name: str) -> str | None:
    given = body.get(name)
    return None if given is None else str(given)


FLOW = r"/flows/(?P<flow>[^/]+)"
RUN = rf"{FLOW}/runs/(?P<run>[^/]+)"
STEP = rf"{RUN}/steps/(?P<step>[^/]+)"
TASK = rf"{STEP}/tasks/(?P<task>[^/]+)"
ARTIFACT = r"/artifacts/(?P<artifact>[^/]+)"
ATTEMPT = r"/attempt/(?P<attempt>\d+)"
_PATHS: tuple[tuple[str, str, Callable[[Store, Request], Any]], ...] = (
    ("GET", r"/ping", _ping),
    ("GET", r"/version", _version),
    ("GET", r"/flows", _children),
    ("GET", FLOW, _get),
    ("GET", rf"{FLOW}/runs", _children),
    ("GET", RUN, _get),
    ("GET", rf"{RUN}/steps", _children),
    ("GET", STEP, _get),
    ("GET", rf"{STEP}/tasks", _children),
    ("GET", rf"{STEP}/filtered_tasks", _filtered),
    ("GET", TASK, _get),
    ("GET", rf"{TASK}/metadata", _metadata),
    ("GET", rf"{STEP}/metadata", _metadata),
    ("GET", rf"{RUN}/metadata", _metadata),
    ("GET", rf"{TASK}/artifacts", _artifacts),
    ("GET", rf"{TASK}{ATTEMPT}/artifacts", _artifacts),
    ("GET", rf"{STEP}/artifacts", _artifacts),
    ("GET", rf"{RUN}/artifacts", _artifacts),
    ("GET", rf"{TASK}{ARTIFACT}", _artifact),
    ("GET", rf"{TASK}{ARTIFACT}{ATTEMPT}", _artifact),
    ("POST", FLOW, _create_flow),
    ("POST", rf"{FLOW}/run", _create_run),
    ("POST", rf"{STEP}/step", _create_step),
    ("POST", rf"{STEP}/task", _create_task),
    ("POST", rf"{RUN}/heartbeat", _beat),
    ("POST", rf"{TASK}/heartbeat", _beat),
    ("POST", rf"{TASK}/artifact", _add_artifacts),
    ("POST", rf"{TASK}/metadata", _add_metadata),
    ("PATCH", rf"{RUN}/tag/mutate", _mutate_tags),
)
ROUTES = tuple((method, re.compile(path), handle) for method, path, handle in _PATHS)
