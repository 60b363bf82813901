"""What of a long tier is green already, for exactly the tree that is checked out.

A tier that takes hours may be cut off, by a person or by a machine's limit. Started again for the
same tree it goes on with the parts that are not green yet; one changed byte, and it starts anew.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

GIT_TIMEOUT = 60  # seconds


@dataclass
class Progress:
    """The green parts of one tree, with the seconds that each took; kept in a file."""

    file: Path
    tree: str  # "" = not known: files are changed or there is no git, and nothing is kept
    green: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, file: Path, root: Path) -> Progress:
        """Read what an earlier run left for the tree at `root`; of another tree it is nothing."""
        tree = tree_of(root)
        try:
            kept = json.loads(file.read_text("utf-8"))
            green = dict(kept["green"]) if tree and kept["tree"] == tree else {}
        except (OSError, ValueError, KeyError, TypeError):
            green = {}
        return cls(file, tree, green)

    def note(self, part: str, seconds: float) -> None:
        """Remember a green part."""
        self.green[part] = seconds
        if self.tree:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            kept = {name: value for name, value in asdict(self).items() if name != "file"}
            self.file.write_text(json.dumps(kept), encoding="utf-8")


def tree_of(root: Path) -> str:
    """Name the content of a clean checkout; "" if a file is changed, or git says nothing."""
    changed = _git(root, "status", "--porcelain")
    return "" if changed is None or changed else _git(root, "rev-parse", "HEAD^{tree}") or ""


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=GIT_TIMEOUT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
