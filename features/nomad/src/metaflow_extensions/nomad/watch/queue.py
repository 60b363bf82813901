"""How long a job waits for a place, and when there is no use in waiting."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metaflow_extensions.nomad.errors import NomadError
from metaflow_extensions.nomad.watch.capacity import too_large
from metaflow_extensions.nomad.watch.ending import Cause, Ending, ending

if TYPE_CHECKING:
    from metaflow_extensions.nomad.api.client import Client
    from metaflow_extensions.nomad.spec import Spec
    from metaflow_extensions.nomad.watch.placement import Placement

HOPE = 5.0  # seconds that a job may be without any node that could ever run it
LOOK = 30.0  # seconds between two looks at what the nodes have


@dataclass
class Queue:
    """A job's wait from now on; `longest` holds where the spec says nothing."""

    client: Client
    spec: Spec
    longest: float = float("inf")  # seconds
    _begun: float = field(default_factory=time.monotonic)
    _hopeless: float | None = None  # since when no node could run it
    _looked: float = float("-inf")
    _lacking: str = ""  # what no node has enough of

    def look(self, place: Placement) -> tuple[str, Ending | None]:
        """Say what the job waits for, and give its ending once it has waited enough."""
        now = time.monotonic()
        lacking = "" if place.infeasible else self._too_large(place, now)
        said = f"no place: {lacking}" if lacking else place.explain()
        if not place.infeasible and not lacking:
            self._hopeless = None
        elif self._hopeless is None:
            self._hopeless = now
        waited = now - self._begun
        if not self._enough(now, waited):
            return said, None
        return said, ending(Cause.QUEUE, f"{said} (after {waited:.0f} s)")

    def _enough(self, now: float, waited: float) -> bool:
        if self.spec.queue_timeout:
            return waited >= self.spec.queue_timeout
        if self._hopeless is not None:
            return now - self._hopeless >= HOPE
        return waited >= self.longest

    def _too_large(self, place: Placement, now: float) -> str:
        """Hold the task against all nodes now and then; one may join that is large enough.

        Without the right to read nodes nothing is known, and so the job waits.
        """
        if place.exhausted and now - self._looked >= LOOK:
            self._looked = now
            try:
                self._lacking = too_large(self.spec, self.client.nodes())
            except NomadError:
                self._lacking = ""
        return self._lacking
