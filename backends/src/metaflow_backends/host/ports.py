"""Ports that nobody listens on."""

from __future__ import annotations

import socket
from contextlib import ExitStack


def free_ports(address: str, count: int) -> tuple[int, ...]:
    """Choose different free ports on an address; somebody else may take one before it is used.

    Raises OSError if the address is not one of this machine.
    """
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind((address, 0))
        return tuple(one.getsockname()[1] for one in held)


def listening(address: str, port: int, timeout: float = 1.0) -> bool:
    """Tell if something accepts connections there."""
    try:
        with socket.create_connection((address, port), timeout=timeout):
            return True
    except OSError:
        return False
