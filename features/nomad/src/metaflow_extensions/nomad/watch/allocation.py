"""An allocation as far as a launcher cares, read from what the API lists."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

AWAY = frozenset({"lost", "unknown"})
OVER = frozenset({"complete", "failed", "lost"})


@dataclass(frozen=True)
class Event:
    """Something that happened to the task; of these Nomad keeps the newest ten."""

    type: str
    text: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Allocation:
    """One allocation of a job with one task."""

    id: str
    node: str  # its name
    status: str  # pending | running | complete | failed | lost | unknown
    desired: str  # run | stop | evict
    description: str = ""  # of what is desired
    preempted_by: str = ""
    migrating: bool = False
    draining: bool = False
    state: str = ""  # of the task: pending | running | dead
    started: str = ""  # when, in Nomad's own words; "" if it never did
    failed: bool = False
    events: tuple[Event, ...] = ()

    @classmethod
    def of(cls, stub: Mapping[str, Any]) -> Allocation:
        task = next(iter((stub.get("TaskStates") or {}).values()), None) or {}
        transition = stub.get("DesiredTransition") or {}
        return cls(
            id=stub["ID"],
            node=stub.get("NodeName") or stub.get("NodeID") or "",
            status=stub.get("ClientStatus") or "pending",
            desired=stub.get("DesiredStatus") or "run",
            description=stub.get("DesiredDescription") or "",
            preempted_by=stub.get("PreemptedByAllocation") or "",
            migrating=bool(transition.get("Migrate")),
            draining=bool(transition.get("MigrateDisablePlacement")),
            state=task.get("State") or "",
            started=task.get("StartedAt") or "",
            failed=bool(task.get("Failed")),
            events=_events(task.get("Events") or ()),
        )

    @property
    def short(self) -> str:
        return self.id[:8]

    @property
    def over(self) -> bool:
        return self.status in OVER

    @property
    def away(self) -> bool:
        """True if its node is not heard of."""
        return self.status in AWAY

    @property
    def taken_away(self) -> bool:
        """True if Nomad wants it gone, or its node is."""
        return self.desired != "run" or self.away

    def event(self, *types: str) -> Event | None:
        """Find the newest event of one of these types."""
        return next((e for e in reversed(self.events) if e.type in types), None)


def _events(found: Sequence[Mapping[str, Any]]) -> tuple[Event, ...]:
    return tuple(
        Event(
            one.get("Type") or "",
            one.get("DisplayMessage") or one.get("DriverError") or one.get("Message") or "",
            one.get("Details") or {},
        )
        for one in found
    )
