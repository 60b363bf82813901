"""Write images as docker-archive files: the same bytes for the same files, on every machine.

Source: the Docker Image Specification v1.2 (manifest.json, config, layers), which both
`docker load` and `ctr images import` read.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metaflow_backends import cache

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Config:
    """How a container of the image starts."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: str = ""  # SIGTERM if it is not said


@dataclass(frozen=True)
class Layer:
    """One layer: an uncompressed tar file and its digest."""

    path: Path
    digest: str  # hex


def write_layer(root: Path, target: Path) -> Layer:
    """Pack a folder: sorted, without times, owners as numbers."""
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in _walk(root):
            _add(tar, path, path.relative_to(root).as_posix())
    return Layer(target, cache.sha256(target))


def unpack(layer: Path, folder: Path) -> None:
    """Write the files of a layer of ours into a folder, with their owners if root asks."""
    with tarfile.open(layer) as tar:
        tar.extractall(folder, numeric_owner=True, filter="fully_trusted")  # noqa: S202 - our own


def write(target: Path, name: str, layers: Sequence[Layer], config: Config) -> None:
    """Write an image with these layers, the lowest first."""
    described = _config(layers, config)
    config_name = f"{hashlib.sha256(described).hexdigest()}.json"
    names = [f"{layer.digest}.tar" for layer in layers]
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": names}]).encode()
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as tar:
        _add_bytes(tar, config_name, described)
        for layer, inside in zip(layers, names, strict=True):
            info = tarfile.TarInfo(inside)
            info.size = layer.path.stat().st_size
            with layer.path.open("rb") as stream:
                tar.addfile(info, stream)
        _add_bytes(tar, "manifest.json", manifest)


def _config(layers: Sequence[Layer], config: Config) -> bytes:
    described = {
        "architecture": "amd64",
        "os": "linux",
        "created": EPOCH,
        "config": {
            "Env": [f"{name}={value}" for name, value in config.environment.items()],
            "Entrypoint": list(config.entrypoint) or None,
            "Cmd": list(config.command) or None,
            "WorkingDir": "/",
            **({"StopSignal": config.stop_signal} if config.stop_signal else {}),
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.digest}" for layer in layers]},
        "history": [{"created": EPOCH, "created_by": "metaflow-extras"} for _ in layers],
    }
    return json.dumps(described, sort_keys=True).encode()


def _walk(root: Path) -> Iterator[Path]:
    """Yield everything below a folder, parents first, in an order that is always the same."""
    for entry in sorted(root.iterdir()):
        yield entry
        if entry.is_dir() and not entry.is_symlink():
            yield from _walk(entry)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    found = os.lstat(path)
    if stat.S_ISSOCK(found.st_mode):  # left by a program that ran in the folder
        return
    info = tar.gettarinfo(path, name)
    info.mtime, info.uname, info.gname = 0, "", ""
    if info.islnk():  # a hard link: its own copy, since its order would decide the bytes
        info.type, info.linkname, info.size = tarfile.REGTYPE, "", found.st_size
    if info.isreg():
        with path.open("rb") as stream:
            tar.addfile(info, stream)
    else:
        tar.addfile(info)


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
