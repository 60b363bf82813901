"""Which modules a source or a function imports, found without running it."""

from __future__ import annotations

import ast
import dis
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType


def imported_by_source(text: str, module: str, *, is_package: bool) -> set[str]:
    """Name the modules that a source may import, anywhere in it.

    `from a import b` may mean the module a.b: both are named.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.module or "", node.level, module, is_package=is_package)
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in found if name}


def _absolute(name: str, level: int, module: str, *, is_package: bool) -> str:
    """Resolve leading dots as Python does."""
    if not level:
        return name
    parts = module.split(".")
    kept = parts[: len(parts) - level + is_package]
    return ".".join([*kept, *([name] if name else [])])


def imported_by_code(code: CodeType) -> set[str]:
    """Name the modules that a function's body imports; those inside of it too."""
    found = set(_names(code))
    for constant in code.co_consts:
        if hasattr(constant, "co_code"):
            found |= imported_by_code(constant)
    return found


def _names(code: CodeType) -> Iterator[str]:
    last = ""
    for step in dis.get_instructions(code):
        if step.opname == "IMPORT_NAME":
            last = str(step.argval)
            yield last
        elif step.opname == "IMPORT_FROM":
            yield f"{last}.{step.argval}"
