"""Stands for a task's process: hands its streams and its command to the pool, and ends as told.

Usage: python -I -S stand_in.py SOCKET PYTHON -u FLOW ...; loads nothing but the standard library.
"""

import json
import os
import signal
import socket
import sys

LOST = 1  # the scheduler has gone


def main(place: str, *command: str) -> int:
    """Give the exit code of the item."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the worker too
    with socket.socket(socket.AF_UNIX) as pool:
        pool.connect(place)
        asked = json.dumps({"argv": command, "env": dict(os.environ)}).encode() + b"\n"
        sent = socket.send_fds(pool, [asked], [1, 2])
        pool.sendall(asked[sent:])
        told = b""
        while piece := pool.recv(64):
            told += piece
    return ended(int(json.loads(told)["end"])) if told else LOST


def ended(code: int) -> int:
    """End by the signal that ended the item."""
    if code < 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
