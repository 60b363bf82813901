"""Make an image once, and find it again by what it is made of."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_backends import cache, toolchain
from metaflow_backends.errors import BackendError
from metaflow_backends.images import archive, naming
from metaflow_backends.images.recipes import RECIPES, Recipe
from metaflow_backends.options import nearest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPACE = 2 << 30  # bytes
NAMES = tuple(RECIPES)


@dataclass(frozen=True)
class Image:
    """An image that can be loaded: its name, and a docker-archive file."""

    name: str  # docker.io/metaflow-extras/task:0a1b2c3d4e5f
    archive: Path


def packages(which: str) -> tuple[str, ...]:
    """Name the Debian packages that making an image still needs; none if it is there."""
    if find(which):
        return ()
    recipe = _recipe(which)
    below = [name for image in recipe.images for name in packages(image)]
    built = [name for tool in recipe.programs for name in toolchain.packages_to_build(tool)]
    return tuple(dict.fromkeys((*recipe.packages, *below, *built)))


def programs(which: str) -> tuple[str, ...]:
    """Name the programs that are built for an image, and for those below it."""
    recipe = _recipe(which)
    below = [name for image in recipe.images for name in programs(image)]
    return tuple(dict.fromkeys((*recipe.programs, *below)))


def quiet(_line: str) -> None:
    """Tell nobody."""


def find(which: str) -> Image | None:
    """Give an image that was made before. Raises BackendError for an unknown one."""
    key = _recipe(which).key(OF)
    if key is None:
        return None
    image = _image(which, key)
    return image if cache.intact(image.archive) else None


def ensure(which: str, say: Callable[[str], None] = quiet) -> Image:
    """Give an image, made if need be. Raises BackendError if it cannot be made."""
    if found := find(which):
        return found
    recipe = _recipe(which)
    for program in recipe.programs:
        toolchain.ensure_built(program, say)
    for below in recipe.images:
        ensure(below, say)
    image = _image(which, recipe.key(OF) or "")
    with cache.making(image.archive.parent) as draft:
        if cache.intact(image.archive):  # by whoever had the lock before
            shutil.rmtree(draft)
        else:
            cache.require_space(SPACE, f"making the image {which}")
            say(f"making the image {which}{recipe.minutes}")
            layers = recipe.layers(draft, OF)
            archive.write(draft / "image.tar", image.name, layers, recipe.config)
            cache.seal(draft / "image.tar")
            say(f"made the image {which}")
    return image


def unpacked(which: str, say: Callable[[str], None] = quiet) -> Path:
    """Give the files of an image's own layer, e.g. for a chroot; nobody must write to them.

    They may be missing: a cache that was carried here holds archives only, since a system has
    files that just root can read.
    """
    image = ensure(which, say)
    root = image.archive.with_name("root")
    if not root.is_dir():
        with cache.making(root) as draft:
            archive.unpack(image.archive.with_name("layer.tar"), draft)
    return root


def unused() -> tuple[Path, ...]:
    """List the folders of images that nothing in this version leads to.

    Without Go nobody can tell which programs go into them, and none is.
    """
    if not toolchain.can_build():
        return ()
    wanted = {f"{which}-{recipe.key(OF)}" for which, recipe in RECIPES.items()}
    found = sorted((cache.root() / "images").glob("[!.]*-*"))
    return tuple(folder for folder in found if folder.name not in wanted)


class _Made:
    """What is in the cache already, made if need be; recipes see it as `Ingredients`."""

    def key(self, which: str) -> str | None:
        return _recipe(which).key(self)

    def layer(self, which: str) -> archive.Layer:
        path = ensure(which).archive.with_name("layer.tar")
        return archive.Layer(path, cache.sha256(path))

    def root(self, which: str) -> Path:
        return unpacked(which)

    def fingerprint(self, program: str) -> str | None:
        tool = toolchain.find_built(program)
        return cache.sha256(tool.path) if tool else None

    def program(self, name: str) -> Path:
        return toolchain.ensure_built(name).path


OF = _Made()


def _recipe(which: str) -> Recipe:
    if which not in RECIPES:
        raise BackendError(f"unknown image {which!r}; {nearest(which, NAMES)}")
    return RECIPES[which]


def _image(which: str, key: str) -> Image:
    folder = cache.root() / "images" / f"{which}-{key}"
    return Image(naming.name(which, key), folder / "image.tar")
