"""The process that has loaded what launchers need, and the forks of it that they are.

It ends when its standard input does, so with the scheduler that started it; its launchers then stop
their tasks, as they do when the client that asked for them is gone.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_extensions.nomad.forkserver.client import BEGUN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PATIENCE = 5.0  # seconds that a client has to say what it wants
LONGEST = 1 << 24  # bytes of what it says
READ_EARLY = "METAFLOW_"  # variables that Metaflow reads when it is loaded
READ_LATE = frozenset({"METAFLOW_RUN_ID"})
FAILED = 1  # exit code of a launcher with an exception
LOADED = (
    "metaflow.cli",
    "nomad",
    *(f"metaflow_extensions.nomad.{n}" for n in ("cli", "trampoline")),
)
OF_A_FLOW = "metaflow.cli"  # has the options of the flow that is there when it is loaded
LOADED_FOR = {"s3": ("boto3", "metaflow.plugins.datatools.s3")}


@dataclass(frozen=True)
class Asked:
    """What is to be run, with which variables, and in which folder."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: str

    @classmethod
    def of(cls, line: bytes) -> Asked:
        """Read it; ValueError if it is something else."""
        try:
            said = json.loads(line)
            return cls(tuple(said["command"]), dict(said["environment"]), str(said["folder"]))
        except (KeyError, TypeError) as error:
            raise ValueError("no request") from error


def main(descriptor: int, datastore: str) -> None:
    """Serve at a socket that listens until nobody is left who could ask."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; launchers are told by clients
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a launcher says itself how it ended
    for name in (*LOADED, *LOADED_FOR.get(datastore, ())):
        import_module(name)
    _unload(OF_A_FLOW)
    with socket.socket(fileno=descriptor) as listening:
        while True:
            ready, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                break
            with suppress(OSError):  # of a client that is gone again
                client, _ = listening.accept()
                with client:
                    _serve(client, listening)
        place = Path(listening.getsockname())
        place.unlink(missing_ok=True)
        place.parent.rmdir()
    os._exit(0)  # the run waits for it, and to take down all that was loaded takes long


def _unload(name: str) -> None:
    """Let a module be made anew by each launcher, out of all that it needs, which stays loaded."""
    package, _, own = name.rpartition(".")
    del sys.modules[name]
    delattr(sys.modules[package], own)


def _serve(client: socket.socket, listening: socket.socket) -> None:
    """Fork a launcher for one client; without one, it runs its command itself."""
    client.settimeout(PATIENCE)
    streams: list[int] = []
    try:
        _, streams, _, _ = socket.recv_fds(client, 1, 3)
        asked = Asked.of(_line(client))
        if _early(asked.environment) != _early(os.environ):
            return
        if os.fork() == 0:
            listening.close()
            _launch(client, streams, asked)
    except ValueError:
        pass  # no client of ours
    finally:
        for stream in streams:
            os.close(stream)


def _line(client: socket.socket) -> bytes:
    said = b""
    while not said.endswith(b"\n"):
        piece = client.recv(1 << 16)
        if not piece or len(said) > LONGEST:
            raise ValueError("no whole request")
        said += piece
    return said


def _early(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: text
        for name, text in environment.items()
        if name.startswith(READ_EARLY) and name not in READ_LATE
    }


def _launch(client: socket.socket, streams: list[int], asked: Asked) -> None:
    """Be the launcher, and end this process as it ends."""
    code = FAILED
    try:
        client.settimeout(None)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        client.sendall(BEGUN)
        _heed(client)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(asked.environment)
        os.chdir(asked.folder)
        code = _run(asked.command)
    finally:
        with suppress(OSError):
            client.sendall(str(code).encode())
        os._exit(code)


def _heed(client: socket.socket) -> None:
    """Take signals from the client, and its end or the scheduler's for one."""
    scheduler = os.dup(0)

    def run() -> None:
        while True:
            ready, _, _ = select.select([client.fileno(), scheduler], [], [])
            number = client.recv(1) if client.fileno() in ready else b""
            os.kill(os.getpid(), number[0] if number else signal.SIGTERM)
            if not number:
                return

    threading.Thread(target=run, daemon=True, name="nomad-signals").start()


def _run(command: Sequence[str]) -> int:
    """Do as `python -u FLOW ...` does; gives its exit code."""
    script = next(word for word in command[1:] if not word.startswith("-"))
    sys.argv = list(command[command.index(script) :])
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        return _code(end.code)
    except BaseException:  # noqa: BLE001 - told as Python itself tells it
        sys.excepthook(*sys.exc_info())
        return FAILED
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
    return 0


def _code(said: str | int | None) -> int:
    if isinstance(said, str):
        sys.stderr.write(f"{said}\n")
        return FAILED
    return said or 0
