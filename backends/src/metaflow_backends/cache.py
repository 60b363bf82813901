"""The user's cache folder: what takes minutes to make, found again by what it was made from."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from metaflow_backends.errors import BackendError
from metaflow_backends.host import mounts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHUNK = 1 << 20  # bytes
DRAFT = ".unfinished"
MEBI = 1 << 20
LOCK_TIMEOUT = 3600.0  # seconds: another process may be building the same thing


def root() -> Path:
    """Name the folder; XDG_CACHE_HOME moves it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(base) / "metaflow-extras"


def digest(*parts: object) -> str:
    """Make a short name for what something was made from."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:12]


def digest_of_files(files: Iterable[Path], top: Path) -> str:
    """Make a short name for the names and contents of files below `top`."""
    whole = hashlib.sha256()
    for path in sorted(files):
        whole.update(f"{path.relative_to(top)}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:12]


def sha256(path: Path) -> str:
    """Hash a file of any size."""
    whole = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            whole.update(chunk)
    return whole.hexdigest()


def seal(path: Path) -> None:
    """Note beside a finished file what is in it, so that damage is seen when it is used again."""
    _seal(path).write_text(sha256(path), encoding="ascii")


def intact(path: Path) -> bool:
    """Tell if a file is there and is what it was when it was sealed."""
    try:
        return _seal(path).read_text(encoding="ascii") == sha256(path)
    except OSError:
        return False


def _seal(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Give a fresh folder that takes the place of `folder` once it is finished; locks it meanwhile.

    What a killed maker left is removed. Raises BackendError if another process holds it for an
    hour, or if the cache cannot be written.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.parent / f".{folder.name}.lock", timeout=LOCK_TIMEOUT):
            draft = folder.parent / f".{folder.name}{DRAFT}"
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            yield draft
            if draft.is_dir():
                shutil.rmtree(folder, ignore_errors=True)
                draft.rename(folder)
    except Timeout:
        raise BackendError(f"{folder}: another process has been making it for an hour") from None
    except OSError as error:
        raise BackendError(
            f"{folder}: cannot be written: {error.strerror or error}; free the disk, or set "
            "XDG_CACHE_HOME to another folder"
        ) from error


def unfinished(kind: str) -> tuple[Path, ...]:
    """List what makers of tools or images have begun; those that were killed will never end it."""
    return tuple(sorted((root() / kind).glob(f".*{DRAFT}")))


def discard(folder: Path) -> bool:
    """Remove an entry, or a draft, unless somebody makes it just now; tells whether it is gone.

    Raises BackendError if it cannot be removed.
    """
    name = folder.name.removeprefix(".").removesuffix(DRAFT)
    try:
        with FileLock(folder.parent / f".{name}.lock", timeout=0):
            mounts.unmount_below(folder)
            shutil.rmtree(folder)
    except Timeout:
        return False
    except FileNotFoundError:  # somebody else was quicker
        return True
    except OSError as error:
        raise BackendError(f"{folder}: cannot be removed: {error.strerror or error}") from error
    return True


def require_space(needed: int, what: str) -> None:
    """Raise BackendError unless so many bytes are free where the cache is."""
    place = root()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < needed:
        raise BackendError(
            f"{what} needs {needed // MEBI} MiB of free disk, and {place} has {free // MEBI} MiB: "
            "free some, or set XDG_CACHE_HOME to a larger disk"
        )
