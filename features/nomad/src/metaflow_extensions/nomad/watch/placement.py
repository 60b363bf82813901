"""Why a job waits: what an evaluation says about where it could be placed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Placement:
    """Where Nomad can put a job right now.

    Source: the `FailedTGAllocs` of an evaluation (Nomad HTTP API, v1/evaluation).
    """

    nodes_evaluated: int
    nodes_filtered: int
    nodes_exhausted: int = 0
    filtered: Mapping[str, int] = field(default_factory=dict)  # constraint -> nodes it rules out
    exhausted: Mapping[str, int] = field(default_factory=dict)  # dimension -> nodes that lack it
    quota: tuple[str, ...] = ()
    available: Mapping[str, int] = field(default_factory=dict)  # datacenter -> nodes that are up

    @classmethod
    def from_evaluation(cls, evaluation: Mapping[str, Any], group: str) -> Placement | None:
        """Read the group's failure; None if it was placed."""
        failed = (evaluation.get("FailedTGAllocs") or {}).get(group)
        if failed is None:
            return None
        return cls(
            nodes_evaluated=failed.get("NodesEvaluated", 0),
            nodes_filtered=failed.get("NodesFiltered", 0),
            nodes_exhausted=failed.get("NodesExhausted", 0),
            filtered=failed.get("ConstraintFiltered") or {},
            exhausted=failed.get("DimensionExhausted") or {},
            quota=tuple(failed.get("QuotaExhausted") or ()),
            available=failed.get("NodesAvailable") or {},
        )

    @property
    def infeasible(self) -> bool:
        """True if no present node could ever run it; a node that joins later may."""
        return not self.quota and self.nodes_filtered == self.nodes_evaluated

    def explain(self) -> str:
        """Say it as a person would: 'queued: memory is exhausted on 3 of 3 nodes'."""
        if self.quota:
            return f"queued: the quota is used up ({', '.join(self.quota)})"
        if self.nodes_evaluated == 0 and not any(self.available.values()):
            return "no place: no node is up in these datacenters and this node pool"
        reasons = [
            *map(self._lacking, self.exhausted.items()),
            *map(_ruled_out, self.filtered.items()),
        ]
        said = "; ".join(reasons) or "no node fits"
        return f"no place: {said}" if self.infeasible else f"queued: {said}"

    def _lacking(self, found: tuple[str, int]) -> str:
        dimension, nodes = found
        if dimension.startswith("devices"):
            return f"all devices are in use on {nodes} of {self.nodes_evaluated} nodes"
        return f"{dimension} is exhausted on {nodes} of {self.nodes_evaluated} nodes"


def _ruled_out(found: tuple[str, int]) -> str:
    constraint, nodes = found
    of = f"{nodes} {'node' if nodes == 1 else 'nodes'}"
    if constraint == "missing drivers":
        return f"{of} without the driver"
    if constraint == "missing devices":
        return f"{of} without such a device"
    return f"the constraint {constraint} rules out {of}"
