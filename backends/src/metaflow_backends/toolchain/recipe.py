"""What a program is built from, and what a built program is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_backends.errors import BackendError

if TYPE_CHECKING:
    from pathlib import Path


class ToolchainError(BackendError):
    """A program cannot be built or used; the message says why and what to do."""


@dataclass(frozen=True)
class Recipe:
    """How one program is built from a pinned module in `pins`."""

    name: str
    module: str  # folder in `pins`
    package: str  # Go import path, or "." for a program of our own
    version: str
    minutes: float  # on 2 cores with an empty build cache, alone
    cgo: bool = False
    tags: str = ""
    link: str = ""  # further flags of the linker, e.g. -X
    patches: str = ""  # module whose source is copied and laid over with `pins/<module>/patch`
    asks: tuple[str, ...] = ()  # arguments that make it print its version

    @property
    def packages(self) -> tuple[str, ...]:
        """Name the Debian packages that building needs."""
        return ("ca-certificates", "gcc", "libc6-dev") if self.cgo else ("ca-certificates",)


@dataclass(frozen=True)
class Tool:
    """A program that can be used."""

    name: str
    version: str
    path: Path
    origin: str  # "built" or "PATH"
