"""A route that hands the request to its endpoint without FastAPI's machinery between them.

That finds and checks arguments, which costs more than a small function does, and here the endpoint
takes the request as it is. It passes by dependencies, such as who may call, so it is for the app of
`metaflow function serve` alone, which has none; `fn.router()` is FastAPI's own. Loaded only where
FastAPI is. Source: its page "Custom Request and APIRoute class".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute

if TYPE_CHECKING:
    from collections.abc import Callable


class DirectRoute(APIRoute):
    """Calls the endpoint with the request."""

    def get_route_handler(self) -> Callable[..., Any]:
        """Give what Starlette calls."""
        return self.endpoint
