"""One attempt runs once: the first allocation that asks for it gets it.

Nomad starts another allocation in place of one that was lost, preempted or stopped, and cannot be
told not to. The keeper claims in the task before anything is written.
"""

from __future__ import annotations

import os
import sys
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metaflow_extensions.nomad.task.objects import Objects

TAKEN = 203  # exit code of an allocation that came second


def path(pathspec: str, attempt: str | int) -> str:
    """Name the claim beside the files that Metaflow keeps of the attempt."""
    return f"{pathspec}/{attempt}.nomad_claim"


def holder(objects: Objects, place: str, ours: str) -> str:
    """Claim an attempt; give whoever has it, which may be another.

    A claim whose reply was lost is ours all the same.
    """
    if objects.create(place, ours.encode()):
        return ours
    return (objects.read(place) or b"").decode()


def main() -> int:
    """Claim for this allocation: 0 if the attempt is ours, `TAKEN` if it is another's."""
    from metaflow_extensions.nomad.task import objects

    allocation = os.environ.get("NOMAD_ALLOC_ID", "")
    if not allocation:
        return 0  # no allocation: started by hand
    # A machine that starts again may start the task of an allocation again, too.
    ours = f"{allocation} {uuid.uuid4()}"
    place = path(os.environ["MF_PATHSPEC"], os.environ["MF_ATTEMPT"])
    found = holder(objects.here(), place, ours)
    if found == ours:
        return 0
    text = f"[nomad] this attempt belongs to {found}; allocation {ours} came later and ends here"
    sys.stderr.write(f"{text}\n")
    return TAKEN
