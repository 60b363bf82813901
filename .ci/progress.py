"""What of a long tier is green already, for exactly the tree and the packages that are here.

A tier that takes hours may be cut off, by a person or by a machine's limit. Started again it goes
on with the parts that are not green yet. One changed byte, another package, a record that is gone,
or an end in green, and it starts anew.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

GIT_TIMEOUT = 60  # seconds


@dataclass
class Progress:
    """The green parts of one state of things, with the seconds that each took; kept in a file."""

    file: Path
    records: Path  # the folder of what the parts have shown
    state: str  # of tree and packages; "" = not known, so nothing is kept
    green: dict[str, float] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)  # files of records, of all green parts
    before: frozenset[str] = frozenset()  # files of records when the part that runs began

    @classmethod
    def of(cls, file: Path, records: Path, root: Path) -> Progress:
        """Read what an earlier run left for this state; of another state it is nothing."""
        fresh = cls(file, records, state_of(root))
        try:
            kept = json.loads(file.read_text("utf-8"))
            found = cls(file, records, kept["state"], dict(kept["green"]), list(kept["shown"]))
        except (OSError, ValueError, KeyError, TypeError):
            return fresh
        there = all((records / name).is_file() for name in found.shown)
        return found if fresh.state and found.state == fresh.state and there else fresh

    def clear(self) -> None:
        """Remove what parts have shown that are not green: they will show it anew."""
        for path in self.records.glob("*.jsonl"):
            if path.name not in self.shown:
                path.unlink()

    def begin(self) -> None:
        """Look what there is before a part runs."""
        self.before = self._there()

    def note(self, part: str, seconds: float) -> None:
        """Remember a green part, and which records it has left."""
        self.green[part] = seconds
        self.shown = sorted({*self.shown} | (self._there() - self.before))
        if self.state:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            kept = {name: asdict(self)[name] for name in ("state", "green", "shown")}
            self.file.write_text(json.dumps(kept), encoding="utf-8")

    def _there(self) -> frozenset[str]:
        return frozenset(path.name for path in self.records.glob("*.jsonl"))

    def end(self) -> None:
        """Forget it all: the next run starts anew."""
        self.file.unlink(missing_ok=True)


def state_of(root: Path) -> str:
    """Name a clean checkout and the packages that are installed; "" if a file is changed."""
    changed = _git(root, "status", "--porcelain")
    tree = _git(root, "rev-parse", "HEAD^{tree}")
    if changed is None or changed or not tree:
        return ""
    packages = sorted(f"{found.name} {found.version}" for found in metadata.distributions())
    return f"{tree} {hashlib.sha256(chr(10).join(packages).encode()).hexdigest()[:12]}"


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
