"""Sessions that speak of one cell, of which none is a later go at another's job.

They are rivals, such as the legs of a CI job on two versions of Python. None of them may hide what
another one found: of all they say about a cell, the worst stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pytest_metaflow_backends.report.model import Detail, State

if TYPE_CHECKING:
    from collections.abc import Sequence

# From harmless to bad: of two results of one session for one cell, the worse one stands.
BADNESS = {
    state: rank
    for rank, state in enumerate(
        (
            State.ABSENT,
            State.MISSING,
            State.PASSED,
            State.FLAKY,
            State.XFAILED,
            State.SKIPPED,
            State.NOT_RUN,
            State.XPASSED,
            State.FAILED,
            State.TIMEOUT,
            State.ERROR,
            State.CRASHED,
        )
    )
}


class Standing(NamedTuple):
    """What one session says about one cell."""

    session: int  # its number; sessions are numbered oldest first
    state: State
    seconds: float = 0.0
    detail: Detail | None = None
    earlier: Detail | None = None  # of an older attempt, while this one has not reported

    @property
    def severity(self) -> tuple[bool, bool, int]:
        """Order rivals: what is owed is worse than any result that is not red."""
        return self.state.red, self.state is not State.MISSING, BADNESS[self.state]

    @property
    def trouble(self) -> Detail | None:
        """Give what a later attempt must not forget."""
        said = self.detail or self.earlier
        return said if said and (said.state.red or said.state is State.FLAKY) else None


def worst(rivals: Sequence[Standing]) -> tuple[Standing, list[Standing]]:
    """Give the one that stands, of equals the newest, and the others that may stand later.

    A plain pass never stands against another result, so it need not be kept.
    """
    first = max(rivals, key=lambda one: (one.severity, one.session))
    return first, [one for one in rivals if one is not first and one.state is not State.PASSED]
