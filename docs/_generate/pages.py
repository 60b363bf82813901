"""What the generators share: write a page, or with `--check` fail if it is stale."""

from __future__ import annotations

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent.parent


def finish(name: str, text: str) -> int:
    """Write docs/NAME, or with `--check` compare it; gives the exit code."""
    path = DOCS / name
    if "--check" not in sys.argv[1:]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return 0
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return 0
    script = Path(sys.argv[0]).name
    print(f"docs/{name} is stale: run python docs/_generate/{script}", file=sys.stderr)
    return 1


def cell(text: str) -> str:
    """Make a text fit into a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")
