"""Whether any node could hold a task at all, were nothing else on it.

Nomad says of a task that is larger than every node what it says of one that waits for its turn:
that memory is exhausted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from metaflow_extensions.nomad.spec import Spec


@dataclass(frozen=True)
class Capacity:
    """What a node has for tasks; MHz, cores, MB and MB."""

    cpu: int
    cores: int
    memory: int
    disk: int

    @classmethod
    def of(cls, stub: Mapping[str, Any]) -> Capacity:
        """Read a node as the API lists it. Source: Nomad HTTP API, v1/nodes?resources=true."""
        there = stub.get("NodeResources") or {}
        kept = stub.get("ReservedResources") or {}
        cpu = there.get("Cpu") or {}
        return cls(
            cpu=cpu.get("CpuShares", 0) - (kept.get("Cpu") or {}).get("CpuShares", 0),
            cores=cpu.get("TotalCpuCores", 0),
            memory=_rest(there, kept, "Memory", "MemoryMB"),
            disk=_rest(there, kept, "Disk", "DiskMB"),
        )


def _rest(there: Mapping[str, Any], kept: Mapping[str, Any], kind: str, name: str) -> int:
    return int((there.get(kind) or {}).get(name, 0) - (kept.get(kind) or {}).get(name, 0))


def too_large(spec: Spec, nodes: Iterable[Mapping[str, Any]]) -> str:
    """Say what of a task is more than every node has; "" if some node could hold each part."""
    there = [Capacity.of(one) for one in nodes if one.get("Status") == "ready"]
    if not there:
        return ""
    asked = (
        ("cpu", spec.cpu or 0, "MHz", max(one.cpu for one in there)),
        ("cores", spec.cores or 0, "cores", max(one.cores for one in there)),
        ("memory", spec.memory, "MB", max(one.memory for one in there)),
        ("disk", spec.disk, "MB", max(one.disk for one in there)),
    )
    found = [
        f"{name}={wish} is more than any node has ({most} {unit})"
        for name, wish, unit, most in asked
        if most and wish > most
    ]
    return "; ".join(found)
