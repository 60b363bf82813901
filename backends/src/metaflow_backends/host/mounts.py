"""Unmount what lies below a folder."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

MNT_DETACH = 2


def unmount_below(folder: Path) -> tuple[str, ...]:
    """Detach every mount below a folder, the deepest first, and name those that stay."""
    libc = ctypes.CDLL(None, use_errno=True)
    for point in below(folder):
        libc.umount2(os.fsencode(point), MNT_DETACH)
    return below(folder)


def below(folder: Path) -> tuple[str, ...]:
    """List the mount points below a folder. Source: proc_pid_mountinfo(5)."""
    inside = f"{folder.resolve()}/"
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    points = (_unescaped(line.split()[4]) for line in lines)
    return tuple(sorted((point for point in points if point.startswith(inside)), reverse=True))


def _unescaped(text: str) -> str:
    for octal, character in ((r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\134", "\\")):
        text = text.replace(octal, character)
    return text
