"""What the generators share: write a page, or with `--check` fail if it is stale."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent.parent


def finish(name: str, text: str) -> int:
    """Write docs/NAME, or with `--check` compare it; gives the exit code."""
    return finish_file(DOCS / name, text, f"python docs/_generate/{Path(sys.argv[0]).name}")


def finish_file(path: Path, text: str, cure: str) -> int:
    """Write a file, or with `--check` compare it and name the command that writes it."""
    if "--check" not in sys.argv[1:]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    print(f"{path.relative_to(DOCS.parent)} is stale: run {cure}", file=sys.stderr)
    return 1


def cell(text: str) -> str:
    """Make a text fit into a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def whole_columns(report: dict[str, Any], tests: list[dict[str, Any]]) -> list[str]:
    """Name the backends, without variants, that each of these tests has a result on.

    Others ran a few of them as a smoke test: their figures would look like failures.
    """
    backends = [name for name in report["columns"] if name and "/" not in name]
    return [name for name in backends if tests and all(name in test["cells"] for test in tests)]
