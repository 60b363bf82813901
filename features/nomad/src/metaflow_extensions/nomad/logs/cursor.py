"""How far a stream has been read, whoever read it: nothing twice, and what is missing is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaflow_extensions.nomad.logs.frames import Frame

FULL = 9 << 20  # bytes: a file that ends before was not read to its end


@dataclass
class Cursor:
    """Counts the bytes taken of each file of one stream; several readers may share it."""

    taken: dict[int, int] = field(default_factory=dict)

    @property
    def offset(self) -> int:
        """Give the byte to read on from.

        Nomad counts over the files that it still keeps; only before the first rotation are these
        certainly those that were read.
        """
        return self.taken.get(0, 0) if self.last == 0 else 0

    @property
    def last(self) -> int:
        return max(self.taken, default=0)


@dataclass
class Reader:
    """One connection's way through the files: where it is, beside what has been taken."""

    cursor: Cursor
    at: dict[int, int] = field(default_factory=dict)
    missed: bool = False  # something was lost before what `take` gave last

    @classmethod
    def starting(cls, cursor: Cursor, offset: int) -> Reader:
        return cls(cursor, {0: offset})

    def take(self, frame: Frame) -> bytes:
        """Give what of a frame is new."""
        number, cursor = frame.number, self.cursor
        begin = self.at.get(number, 0)
        self.at[number] = end = begin + len(frame.data)
        self.missed = self._jumped(number)
        known = cursor.taken.get(number, 0)
        if number < cursor.last or end <= known:
            return b""
        cursor.taken[number] = end
        return frame.data[max(known - begin, 0) :]

    def _jumped(self, number: int) -> bool:
        taken = self.cursor.taken
        if number in taken or (not taken and number == 0):
            return False
        before = taken.get(number - 1)
        return before is None or before < FULL
