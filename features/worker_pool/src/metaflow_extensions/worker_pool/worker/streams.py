"""Descriptors 1 and 2 of a worker: an item's pipes while it runs, nothing in between."""

from __future__ import annotations

import os

OUTPUTS = (1, 2)
_KEPT = 1 << 20  # bytes that a worker said until it was ready


class Streams:
    """What belongs to no item goes nowhere; what the flow's file says is said to every item."""

    def __init__(self, outputs: tuple[int, int]) -> None:
        self._nowhere = os.open(os.devnull, os.O_WRONLY)
        self._said = [os.pread(kept, _KEPT, 0) for kept in outputs]
        for kept in outputs:
            os.close(kept)
        self.away()

    def to(self, pipes: list[int]) -> None:
        """Let everything that writes to 1 and 2 write to an item's pipes."""
        for output, pipe, said in zip(OUTPUTS, pipes, self._said, strict=True):
            os.dup2(pipe, output)
            os.close(pipe)
            if said:
                os.write(output, said)

    def away(self) -> None:
        """Let go of the pipes, by which the scheduler learns of the item's end."""
        for output in OUTPUTS:
            os.dup2(self._nowhere, output)
