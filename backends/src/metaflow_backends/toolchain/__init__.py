"""Programs that no package registry of binaries has: built once from pinned Go modules."""

from __future__ import annotations

from metaflow_backends.toolchain.catalog import NAMES
from metaflow_backends.toolchain.obtaining import (
    can_build,
    ensure,
    ensure_built,
    find,
    find_built,
    packages,
    packages_to_build,
    source,
    unused,
)
from metaflow_backends.toolchain.recipe import Tool, ToolchainError

__all__ = [
    "NAMES",
    "Tool",
    "ToolchainError",
    "can_build",
    "ensure",
    "ensure_built",
    "find",
    "find_built",
    "packages",
    "packages_to_build",
    "source",
    "unused",
]
