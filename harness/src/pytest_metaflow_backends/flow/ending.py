"""How a launch ended, before anything is looked up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from types import ModuleType

STOPPED = -15  # exit code of a flow that was stopped, as of a process ended by SIGTERM


@dataclass
class Progress:
    """What is known so far, should the time limit cut the launch short (mutable on purpose)."""

    flow: str = ""
    module: ModuleType | None = None  # the flow file, as imported by Metaflow
    pathspec: str | None = None  # of the run; of the task for spin
    metadata: str | None = None  # provider@place, as Metaflow's Client takes it
    programs: list[subprocess.Popen[bytes]] = field(default_factory=list)  # started by Metaflow


@dataclass(frozen=True)
class Ending:
    """The facts a launch gives; `error` is set if it failed before a program was started."""

    exit_code: int
    progress: Progress
    error: str = ""

    @classmethod
    def stopped(cls, progress: Progress) -> Ending:
        return cls(exit_code=STOPPED, progress=progress)

    @property
    def successful(self) -> bool:
        return self.exit_code == 0
