"""Make an image once, and find it again by what it is made of."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_backends import cache, toolchain
from metaflow_backends.errors import BackendError
from metaflow_backends.images import archive, debian
from metaflow_backends.options import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

VERSION = "1"  # of what this module does with its ingredients
REPOSITORY = "docker.io/metaflow-extras"
SPACE = 2 << 30  # bytes
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Tasks find everything installed: Metaflow's bootstrap must not ask a package index.
TASK = {"PATH": PATH, "LANG": "C.UTF-8", "METAFLOW_SKIP_INSTALL_DEPENDENCIES": "1"}
MAKE_BASE = ("debootstrap", "mount", "ca-certificates")
OF_ONE_PROGRAM = ("pause", "argoexec")
NAMES = ("base", "task", *OF_ONE_PROGRAM)


@dataclass(frozen=True)
class Image:
    """An image that can be loaded: its name, and a docker-archive file."""

    name: str  # docker.io/metaflow-extras/task:0a1b2c3d4e5f
    archive: Path


def packages(which: str) -> tuple[str, ...]:
    """Name the Debian packages that making an image still needs; none if it is there."""
    if which in OF_ONE_PROGRAM or find("base"):
        return ()
    return MAKE_BASE


def quiet(_line: str) -> None:
    """Tell nobody."""


def find(which: str) -> Image | None:
    """Give an image that was made before. Raises BackendError for an unknown one."""
    key = _key(which)
    if key is None:
        return None
    image = _image(which, key)
    return image if cache.intact(image.archive) else None


def ensure(which: str, say: Callable[[str], None] = quiet) -> Image:
    """Give an image, made if need be. Raises BackendError if it cannot be made."""
    if found := find(which):
        return found
    if which in OF_ONE_PROGRAM:
        toolchain.ensure(which, say)
    if which == "task":
        ensure("base", say)
    image = _image(which, _key(which) or "")
    with cache.making(image.archive.parent) as draft:
        if cache.intact(image.archive):  # by whoever had the lock before
            shutil.rmtree(draft)
        else:
            cache.require_space(SPACE, f"making the image {which}")
            say(f"making the image {which}{MINUTES.get(which, '')}")
            archive.write(draft / "image.tar", image.name, _layers(which, draft), _config(which))
            cache.seal(draft / "image.tar")
            say(f"made the image {which}")
    return image


def rootfs(say: Callable[[str], None] = quiet) -> Path:
    """Give the unpacked base image, e.g. as a chroot; nobody must write to it."""
    return ensure("base", say).archive.with_name("root")


def prune() -> int:
    """Remove images that nothing leads to any more; returns how many."""
    wanted = {f"{which}-{_key(which)}" for which in NAMES}
    old = [f for f in (cache.root() / "images").glob("[!.]*-*") if f.name not in wanted]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


MINUTES = {"base": ": about 2 min", "task": ": about 1 min"}


def _key(which: str) -> str | None:
    """Name what an image is made of; None if a program that goes into it is not built yet."""
    if which not in NAMES:
        raise BackendError(f"unknown image {which!r}; {nearest(which, NAMES)}")
    base = (VERSION, debian.SUITE, *debian.PACKAGES, *debian.NOT_NEEDED)
    if which == "base":
        return cache.digest(*base)
    if which == "task":
        return cache.digest(*base, *debian.WHEELS, TASK)
    tool = toolchain.find(which)
    return cache.digest(VERSION, cache.sha256(tool.path)) if tool else None


def _image(which: str, key: str) -> Image:
    folder = cache.root() / "images" / f"{which}-{key}"
    return Image(f"{REPOSITORY}/{which}:{key}", folder / "image.tar")


def _layers(which: str, draft: Path) -> Sequence[archive.Layer]:
    if which == "base":
        debian.make_root(draft / "root")
        return [archive.write_layer(draft / "root", draft / "layer.tar")]
    if which == "task":
        return [_base_layer(), _wheels(draft)]
    root = draft / "root"
    (root / "tmp").mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    program = toolchain.ensure(which).path
    shutil.copy(program, root / which)
    (root / which).chmod(0o755)
    return [archive.write_layer(root, draft / "layer.tar")]


def _base_layer() -> archive.Layer:
    path = ensure("base").archive.with_name("layer.tar")
    return archive.Layer(path, cache.sha256(path))


def _wheels(draft: Path) -> archive.Layer:
    delta = draft / "delta"
    debian.add_wheels(rootfs(), delta)
    layer = archive.write_layer(delta, draft / "layer.tar")
    shutil.rmtree(delta)
    return layer


def _config(which: str) -> archive.Config:
    if which in OF_ONE_PROGRAM:
        return archive.Config(entrypoint=[f"/{which}"], environment={"PATH": "/"})
    return archive.Config(command=["/bin/bash"], environment=TASK)
