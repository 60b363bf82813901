"""Code as one file: a zip whose bytes depend on nothing but what is in it."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from metaflow_extensions.functions.errors import BadReferenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

EPOCH = (1980, 1, 1, 0, 0, 0)  # the first that a zip can name


def digest(data: bytes) -> str:
    """Name bytes by what they are."""
    return hashlib.sha256(data).hexdigest()


def pack(files: Mapping[str, bytes]) -> bytes:
    """Make a zip; the same files give the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for place in sorted(files):
            entry = zipfile.ZipInfo(place, EPOCH)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, files[place], zipfile.ZIP_DEFLATED, 6)
    return packed.getvalue()


def members(packed: bytes) -> dict[str, bytes]:
    """Read a zip; BadReferenceError for one that names places outside of its folder."""
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
            for name in names:
                path = PurePosixPath(name)
                if path.is_absolute() or ".." in path.parts:
                    raise BadReferenceError(f"code package: {name!r} lies outside of it")
            return {name: archive.read(name) for name in names}
    except zipfile.BadZipFile as error:
        raise BadReferenceError(f"code package: {error}") from None


def unpack(packed: bytes, folder: Path) -> list[str]:
    """Write the members below a folder unless they are there already, byte for byte; names them."""
    files = members(packed)
    for name, data in files.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != data:
            write_whole(path, data)
    return sorted(files)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that nobody ever sees a part of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    Path(name).replace(path)
