"""Random numbers of items: those that a process of their own would draw.

Where the flow's file seeds a generator, every item of plain Metaflow draws the same numbers; where
it does not, each draws others. Both stay true: a seeded state is set again before each item, and
one that was never seeded is seeded anew.
"""

from __future__ import annotations

import hashlib
import random
import sys
from dataclasses import dataclass
from typing import Any

BLOCK = 624  # words of the Mersenne Twister's state, all made anew together
REACH = 2000  # times that loading a flow may have used them up
_beginning: Any = None  # as the interpreter seeded it


def remember() -> None:
    """Keep the state before the flow's file has run; called when Metaflow is loaded."""
    global _beginning  # noqa: PLW0603 - one interpreter has one
    if _beginning is None:
        _beginning = random.getstate()


def beginning() -> str:
    """Give the state that was kept, in short; the same in two processes only if it was seeded."""
    return hashlib.sha256(repr(_beginning).encode()).hexdigest()


@dataclass(frozen=True)
class Randomness:
    """The states to begin an item with; None to seed anew."""

    python: Any
    numpy: Any

    @classmethod
    def found(cls, of_scheduler: str) -> Randomness:
        """Find out what the flow's file has seeded, which the scheduler has loaded too."""
        state = random.getstate()
        seeded = beginning() == of_scheduler or not _leads(_beginning, state)
        return cls(state if seeded else None, _seeded_numpy())

    def begin(self) -> None:
        if self.python is None:
            random.seed()
        else:
            random.setstate(self.python)
        numpy = sys.modules.get("numpy.random")
        if numpy is not None:
            if self.numpy is None:
                numpy.seed()
            else:
                numpy.set_state(self.numpy)


def _leads(earlier: Any, later: Any) -> bool:
    """Tell if drawing alone leads from one state to another."""
    walker = random.Random()  # noqa: S311 - it is compared, not used
    walker.setstate(earlier)
    for _ in range(REACH):
        if walker.getstate()[1][:BLOCK] == later[1][:BLOCK]:
            return True
        walker.getrandbits(32 * BLOCK)
    return False


def _seeded_numpy() -> Any:
    """Give numpy's state if it was seeded: it then no longer knows the entropy it began with."""
    numpy = sys.modules.get("numpy.random")
    if numpy is None:
        return None
    generator = numpy.mtrand._rand._bit_generator  # noqa: SLF001 - there is no other way to ask
    return numpy.get_state() if getattr(generator, "_seed_seq", None) is None else None
