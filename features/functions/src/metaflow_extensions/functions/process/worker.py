"""What a worker does: one call after the other, until nobody is left to ask."""

from __future__ import annotations

import gc
import random
import sys
from typing import TYPE_CHECKING

import orjson
from metaflow_extensions.functions.errors import OutputError
from metaflow_extensions.functions.failure import Failure
from metaflow_extensions.functions.process.wire import CALL, FAILED, OK, receive, send

if TYPE_CHECKING:
    import socket

    from metaflow_extensions.functions.engine import Engine
    from metaflow_extensions.functions.process.wire import Payload


def serve(engine: Engine, stream: socket.socket, largest: int) -> None:
    """Answer until the stream ends; `largest` is the most bytes of an answer."""
    with stream:
        while True:
            try:
                kind, payload = receive(stream)
            except (EOFError, OSError):
                return
            send(stream, *answer(engine, kind, payload, largest))


def answer(engine: Engine, kind: int, payload: Payload, largest: int) -> tuple[int, Payload]:
    """Run one message; whatever the function raises is an answer too."""
    try:
        result = engine.call(payload) if kind == CALL else engine.map(payload)
        within(result, largest)
    except BaseException as error:  # noqa: BLE001 - of the user's code, told to the caller
        return FAILED, orjson.dumps(Failure.of(error, engine.private).as_dict())
    return OK, result


def within(result: bytes, largest: int) -> None:
    """Raise OutputError for a result of too many bytes."""
    if len(result) > largest:
        raise OutputError(f"the result has {len(result)} bytes, {largest} are allowed")


def differ() -> None:
    """Give this fork random numbers of its own; thousands of workers must not draw alike."""
    gc.enable()
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()
