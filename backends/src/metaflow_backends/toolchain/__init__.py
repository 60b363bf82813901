"""Programs that no package registry of binaries has: built once from pinned Go modules."""

from __future__ import annotations

from metaflow_backends.toolchain.catalog import NAMES
from metaflow_backends.toolchain.obtaining import ensure, find, packages, source, unused
from metaflow_backends.toolchain.recipe import Tool, ToolchainError

__all__ = ["NAMES", "Tool", "ToolchainError", "ensure", "find", "packages", "source", "unused"]
