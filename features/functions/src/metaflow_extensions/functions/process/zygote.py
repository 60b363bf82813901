"""The process that has loaded a function, and the forks of it that run it."""

from __future__ import annotations

import gc
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from metaflow_extensions.functions.failure import Failure
from metaflow_extensions.functions.plan import Plan
from metaflow_extensions.functions.process import lifeline
from metaflow_extensions.functions.process.wire import FAILED, FORK, HOW, OK, SERVE, send
from metaflow_extensions.functions.process.worker import differ, serve

if TYPE_CHECKING:
    from metaflow_extensions.functions.engine import Engine

LONGEST = 64  # bytes of a request


def main(control: int, reading: int, plan: str, largest: int) -> None:
    """Load the function and fork workers for whoever asks at `control`."""
    lifeline.arm(reading)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; the caller decides
    with socket.socket(fileno=control) as caller:
        try:
            engine = Plan.read(Path(plan).read_text(encoding="utf-8")).assemble()
        except BaseException as error:  # noqa: BLE001 - of the user's code, told to the caller
            send(caller, FAILED, orjson.dumps(Failure.of(error).as_dict()))
            return
        gc.collect()
        gc.freeze()  # what is loaded stays shared between the forks
        send(caller, OK, b"")
        _obey(caller, engine, largest)


def _obey(caller: socket.socket, engine: Engine, largest: int) -> None:
    while True:
        message, streams, _, _ = socket.recv_fds(caller, LONGEST, 1)
        if not message:
            return
        kind, argument = message[0], message[1:]
        if kind == HOW:
            send(caller, OK, _end_of(int(argument)))
        elif kind == SERVE:
            send(caller, OK, str(os.getpid()).encode())
            _serve(engine, streams[0], largest)
            return
        elif kind == FORK:
            send(caller, OK, str(_fork(caller, streams[0], engine, largest)).encode())


def _fork(caller: socket.socket, stream: int, engine: Engine, largest: int) -> int:
    pid = os.fork()
    if pid:
        os.close(stream)
        return pid
    try:
        caller.close()
        differ()
        _serve(engine, stream, largest)
    finally:
        os._exit(0)


def _serve(engine: Engine, stream: int, largest: int) -> None:
    """Answer calls; what the function forks lets go, or the caller would wait for its end, too."""
    link = socket.socket(fileno=stream)
    os.register_at_fork(after_in_child=link.close)
    serve(engine, link, largest)


def _end_of(pid: int) -> bytes:
    """Say how a worker ended, which closed its stream just now."""
    with suppress(ChildProcessError):
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            return f"killed by {signal.Signals(-code).name}".encode()
        return f"with exit code {code}".encode()
    return b"for an unknown reason"
