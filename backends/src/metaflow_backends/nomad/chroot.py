"""What tasks of the exec driver see as their machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metaflow_backends import images
from metaflow_backends.host.commands import run

if TYPE_CHECKING:
    from pathlib import Path

COPY_TIMEOUT = 300.0  # seconds


def prepare(home: Path) -> Path:
    """Give the root of the base image, on the file system of the home folder.

    Nomad builds a chroot per task from hard links, in one to two seconds; across file systems it
    copies, which takes as long as Nomad's own default (37 s). So on another file system than the
    cache's the root is copied once per start.
    """
    root = images.rootfs()
    if root.stat().st_dev == home.stat().st_dev:
        return root
    copy = home / "nomad" / "chroot"
    copy.parent.mkdir(exist_ok=True)
    run(["cp", "-a", str(root), str(copy)], timeout=COPY_TIMEOUT)
    return copy
