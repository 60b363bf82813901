"""What the records say about the backends themselves.

A session replaces what those said that it takes over from; of rivals, the worst stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from pytest_metaflow_backends.records import BackendEvent

UNAVAILABLE, FAILED, UP = "unavailable", frozenset({"failed", "broken"}), "up"
_WORSE = {"": 0, UP: 1, UNAVAILABLE: 2, "broken": 3}
KEPT = 1_000  # events that a report shows at most


@dataclass(frozen=True)
class Health:
    """How one column's backend was, in the end."""

    state: str = ""  # "" (nothing said) | up | unavailable | broken
    reason: str = ""
    required: bool = False
    provider: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    logs: str = ""

    def after(self, event: BackendEvent) -> Health:
        """Give the health after one more event of the same file."""
        state = "broken" if event.state in FAILED else event.state
        known = state in _WORSE
        cure = f" ({event.cure})" if event.cure else ""
        return replace(
            self,
            state=state if known else self.state,
            reason=event.reason + cure if known else self.reason,
            required=self.required or event.required,
            provider=event.provider or self.provider,
            versions=event.versions or self.versions,
            logs=event.logs or self.logs,
        )

    def joined(self, other: Health) -> Health:
        """Join what two processes of one session, or two rivals, say: the worse of the two."""
        first, second = sorted((self, other), key=lambda h: -_WORSE[h.state])
        return replace(
            first,
            required=first.required or second.required,
            provider=first.provider or second.provider,
            versions=first.versions or second.versions,
            logs=first.logs or second.logs,
        )


class HealthLog:
    """Follows the events: sessions come oldest first, each as one or more files."""

    def __init__(self) -> None:
        self.columns: dict[str, Health] = {}
        self.events: list[BackendEvent] = []
        self.seen: set[str] = set()  # columns this session says something about
        self._file: dict[str, Health] = {}
        self._session: dict[str, Health] = {}
        self._number = -1  # of this session
        self._replaced: AbstractSet[int] = frozenset()
        self._said: dict[str, dict[int, Health]] = {}  # column -> session -> what counts of it

    def begin(self, replaced: AbstractSet[int] = frozenset()) -> None:
        """Open a session; `replaced` are the numbers, from 0, of those it takes over from."""
        self._number += 1
        self._replaced = replaced
        self.seen = set()
        self._session = {}

    def add(self, event: BackendEvent) -> None:
        """Take one event in; inside one file, order is the order in which things happened."""
        name = event.column
        self.seen.add(name)
        self._file[name] = self._file.get(name, Health()).after(event)
        if len(self.events) < KEPT:
            self.events.append(event)

    def end_file(self) -> None:
        """Join what one process said with what the others of its session did."""
        for name, health in self._file.items():
            known = self._session.get(name)
            self._session[name] = health if known is None else known.joined(health)
        self._file = {}

    def end(self) -> None:
        """Let what this session says replace what older ones said, or stand beside it."""
        for name, health in self._session.items():
            known = self._said.get(name, {}).items()
            said = {number: one for number, one in known if number not in self._replaced}
            self._said[name] = {self._number: health, **said}  # newest first
            self.columns[name] = reduce(Health.joined, self._said[name].values())
