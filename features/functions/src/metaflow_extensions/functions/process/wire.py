"""Messages over a stream socket: one byte of kind, eight of length, and the payload."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

HEADER = struct.Struct("<BQ")
TOGETHER = 1 << 16  # bytes up to which copying is cheaper than a second system call
CALL, MAP, FORK, SERVE, HOW, OK, FAILED = range(1, 8)

Payload = bytes | bytearray


def send(stream: socket.socket, kind: int, payload: Payload) -> None:
    """Send one message; OSError if the other end is gone."""
    header = HEADER.pack(kind, len(payload))
    if len(payload) <= TOGETHER:
        stream.sendall(header + payload)
    else:
        stream.sendall(header)
        stream.sendall(payload)


def receive(stream: socket.socket) -> tuple[int, Payload]:
    """Receive one message; EOFError if the other end is gone.

    The first read takes what there is: most messages come whole.
    """
    start = b""
    while len(start) < HEADER.size:
        piece = stream.recv(TOGETHER)
        if not piece:
            raise EOFError
        start = start + piece if start else piece
    kind, length = HEADER.unpack_from(start)
    if len(start) == HEADER.size + length:
        return kind, start[HEADER.size :]
    return kind, _rest(stream, start[HEADER.size :], length)


def _rest(stream: socket.socket, start: bytes, length: int) -> bytearray:
    payload = bytearray(length)
    payload[: len(start)] = start
    with memoryview(payload) as view:
        done = len(start)
        while done < length:
            count = stream.recv_into(view[done:])
            if not count:
                raise EOFError
            done += count
    return payload
