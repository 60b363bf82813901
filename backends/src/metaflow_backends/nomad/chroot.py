"""What tasks of the exec driver see as their machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends import images
from metaflow_backends.host.commands import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COPY_TIMEOUT = 300.0  # seconds


def prepare(home: Path, layers: Sequence[str]) -> tuple[Path, ...]:
    """Give what images add to each other, on the file system of the home folder.

    Nomad builds a chroot per task from hard links, in one to two seconds; across file systems it
    copies, which takes as long as Nomad's own default (37 s). So on another file system than the
    cache's all is copied once per start.
    """
    return tuple(_near(images.unpacked(which), home / "nomad/chroot" / which) for which in layers)


def _near(root: Path, copy: Path) -> Path:
    """Give a folder itself, or a copy of it if that would be on another file system."""
    copy.parent.mkdir(parents=True, exist_ok=True)
    if root.stat().st_dev == copy.parent.stat().st_dev:
        return root
    run(["cp", "-a", str(root), str(copy)], timeout=COPY_TIMEOUT)
    return copy
