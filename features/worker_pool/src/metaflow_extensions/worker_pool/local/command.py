"""The command line of a task, parted in what a worker is started with and what an item is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STEP = "step"
# Options of `step` that differ between the tasks of a run and step.
OF_ITEMS = frozenset({"--task-id", "--input-paths", "--split-index", "--retry-count"})
NOBODY = "worker-pool"  # the task id on a worker's own command line, which it never uses
# Variables that a running process can be given; others make another worker.
LATE = ("METAFLOW_", "MF_", "TRACEPARENT", "TRACESTATE", "traceparent", "tracestate")


@dataclass(frozen=True)
class Command:
    """How Metaflow would start one task."""

    argv: tuple[str, ...]  # whole
    worker: tuple[str, ...]  # what starts a worker that can run it
    program: int  # words before the flow's own arguments, which sys.argv begins with
    environment: Mapping[str, str]

    @classmethod
    def of(cls, argv: Sequence[str], environment: Mapping[str, str], step: str) -> Command | None:
        """Part a command; None if it is not one that starts a task in a Python of this machine."""
        words = tuple(map(str, argv))
        begin = _begin(words, step)
        flow = next((n for n, word in enumerate(words) if word.endswith(".py")), None)
        if begin is None or flow is None or not _is_python(words[:flow]):
            return None
        options = words[begin:]
        pairs = zip(options[::2], options[1::2], strict=True)
        same = [word for name, value in pairs if name not in OF_ITEMS for word in (name, value)]
        return cls(words, (*words[:begin], *same, "--task-id", NOBODY), flow, environment)

    def key(self) -> object:
        """Give what tasks have to share to share a worker."""
        early = {n: v for n, v in self.environment.items() if not n.startswith(LATE)}
        return (self.worker, frozenset(early.items()))

    def late(self, base: Mapping[str, str]) -> dict[str, str]:
        """Give the variables that a worker, started with others, still needs for this task."""
        return {n: v for n, v in self.environment.items() if base.get(n) != v}


def _begin(words: tuple[str, ...], step: str) -> int | None:
    """Find the options of the command `step`, which come in pairs."""
    from metaflow.plugins import get_trampoline_cli_names

    for place in range(len(words) - 2):
        if words[place : place + 2] == (STEP, step) and words[place + 2] == "--run-id":
            if words[place - 1] in get_trampoline_cli_names():  # `kubernetes step`
                return None
            return place + 2 if (len(words) - place) % 2 == 0 else None
    return None


def _is_python(words: tuple[str, ...]) -> bool:
    """Tell an interpreter and its options from a command that runs one somewhere else."""
    name = words[0].rpartition("/")[2] if words else ""
    return name.startswith(("python", "pypy")) and all(w.startswith("-") for w in words[1:])
