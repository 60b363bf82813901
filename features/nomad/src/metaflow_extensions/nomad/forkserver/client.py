"""Stands for a launcher: asks the fork server for one, hands signals on, and ends as it does.

Usage: python -I -S client.py SOCKET PYTHON -u FLOW ...; loads nothing but the standard library.
Where nobody answers at SOCKET, or the server will not do it, the command runs here instead.
"""

import json
import os
import signal
import socket
import sys
from contextlib import suppress

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
BEGUN = b"+"  # said by a launcher as its first word; its last is its exit code
SOON = 60.0  # seconds until a server that does not answer is left alone
ENDED_WITHOUT_A_WORD = 1


def main(place: str, *command: str) -> int:
    """Give the launcher's exit code; does not come back if the command runs here."""
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(SOON)
        try:
            server.connect(place)
            ask(server, command)
            begun = server.recv(1) == BEGUN
        except OSError:  # after which a launcher that comes too late finds nobody, and ends
            begun = False
        if begun:
            return see_through(server)
    return os.execv(command[0], command)  # noqa: S606 - the words are those of Metaflow


def ask(server: socket.socket, command: tuple[str, ...]) -> None:
    """Hand over this process's streams, and what is to be run where."""
    socket.send_fds(server, [b"."], [0, 1, 2])
    asked = {"command": command, "environment": dict(os.environ), "folder": os.getcwd()}  # noqa: PTH109 - pathlib is slow to load
    server.sendall(json.dumps(asked).encode() + b"\n")


def see_through(server: socket.socket) -> int:
    """Pass signals on until the launcher has said its last word."""

    def told(number: int, _frame: object) -> None:
        with suppress(OSError):  # it has ended
            server.send(bytes([number]))

    server.settimeout(None)
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, told)
    said = b""
    while piece := server.recv(16):
        said += piece
    return int(said or ENDED_WITHOUT_A_WORD)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
