"""Serves a function by itself: `metaflow function serve`."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.errors import MissingExtraError
from metaflow_extensions.functions.handle import function_from_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from metaflow_extensions.functions.handle import JsonFunction

DRAIN = 30  # seconds that running calls have when the server is asked to end


def app_of(handle: JsonFunction) -> Any:
    """Give a FastAPI app that serves the function, and closes it in the end."""
    try:
        from fastapi import FastAPI
    except ImportError:
        raise MissingExtraError(
            'serving needs FastAPI: pip install "metaflow-open-functions[fastapi]"'
        ) from None

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        handle.close()

    from metaflow_extensions.functions.web.direct import DirectRoute
    from metaflow_extensions.functions.web.router import router

    routes = router(handle, DirectRoute)
    about = handle.about
    app = FastAPI(
        title=about.function.name,
        description=about.function.doc,
        version=about.uuid,
        lifespan=lifespan,
    )
    app.include_router(routes)
    return app


def serve(location: str, host: str, port: int, backend: str, options: dict[str, Any]) -> None:
    """Serve until SIGTERM or Ctrl-C; calls that run by then are answered."""
    try:
        import uvicorn
    except ImportError:
        raise MissingExtraError(
            'serving needs uvicorn: pip install "metaflow-open-functions[fastapi]"'
        ) from None
    app = app_of(function_from_json(location, backend=backend, **options))
    uvicorn.run(
        app, host=host, port=port, access_log=False, timeout_graceful_shutdown=DRAIN
    )  # requests are counted in /metrics
