"""Find a program that can be used, or build it; both are remembered in the cache folder."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends import cache
from metaflow_backends.options import nearest
from metaflow_backends.toolchain import building
from metaflow_backends.toolchain.catalog import CATALOG, NAMES, SOURCES
from metaflow_backends.toolchain.recipe import Tool, ToolchainError

if TYPE_CHECKING:
    from collections.abc import Callable

    from metaflow_backends.toolchain.recipe import Recipe

ASK_TIMEOUT = 10.0  # seconds


def quiet(_line: str) -> None:
    """Tell nobody."""


def find(name: str) -> Tool | None:
    """Give a program that is there already: of the pinned version on PATH, or built before.

    Nothing is built. Raises ToolchainError for a name that is not in the catalog.
    """
    return _on_path(_recipe(name)) or find_built(name)


def find_built(name: str) -> Tool | None:
    """Give a program that was built before: one that needs nothing beside it.

    What is on PATH may be a script, or need libraries. Raises ToolchainError as `find` does.
    """
    return _built(_recipe(name))


def packages(name: str) -> tuple[str, ...]:
    """Name the Debian packages that having a program still needs; none if it is there."""
    return () if find(name) else packages_to_build(name)


def packages_to_build(name: str) -> tuple[str, ...]:
    """Name the Debian packages that building a program still needs; none if it was built."""
    return () if find_built(name) else _recipe(name).packages


def ensure(name: str, say: Callable[[str], None] = quiet) -> Tool:
    """Give a program, built if need be; `say` gets a line before and after.

    Raises ToolchainError if it cannot be built, BackendError if the cache cannot be used.
    """
    return _on_path(_recipe(name)) or ensure_built(name, say)


def ensure_built(name: str, say: Callable[[str], None] = quiet) -> Tool:
    """Give a program that needs nothing beside it, built if need be; see `ensure`."""
    if found := find_built(name):
        return found
    recipe = _recipe(name)
    say(f"building {name} {recipe.version}: about {recipe.minutes:g} min on 2 cores")
    folder = _folder(recipe)
    with cache.making(folder) as draft:
        if cache.intact(folder / name):  # by whoever had the lock before
            shutil.rmtree(draft)
        else:
            building.build(recipe, draft / name, draft)
            shutil.rmtree(draft / "module", ignore_errors=True)
            cache.seal(draft / name)
    say(f"built {name} {recipe.version}")
    return Tool(name, recipe.version, folder / name, "built")


def can_build() -> bool:
    """Tell whether there is a Go that can build."""
    try:
        building.go_version()
    except ToolchainError:
        return False
    return True


def source(module: str) -> Path:
    """Give the folder with the source of a pinned module, e.g. `argo` for its manifests."""
    if module not in SOURCES:
        raise ToolchainError(f"the source of {module!r} is not needed by anything")
    return building.download(module, SOURCES[module])


def unused() -> tuple[Path, ...]:
    """List the folders of builds that no recipe of this version leads to, with this Go.

    Without Go nobody can tell, and none is.
    """
    if not can_build():
        return ()
    wanted = {_folder(recipe).name for recipe in CATALOG.values()}
    known = tuple(f"{name}-" for name in NAMES)
    return tuple(
        folder
        for folder in sorted((cache.root() / "tools").glob("[!.]*"))
        if folder.name.startswith(known) and folder.name not in wanted
    )


def _recipe(name: str) -> Recipe:
    if name not in CATALOG:
        raise ToolchainError(f"unknown tool {name!r}; {nearest(name, NAMES)}")
    return CATALOG[name]


def _folder(recipe: Recipe) -> Path:
    pins = building.PINS / recipe.module
    files = [path for path in pins.rglob("*") if path.is_file()]
    what = replace(recipe, minutes=0, asks=())  # these change nothing in what is built
    key = cache.digest(what, building.go_version(), cache.digest_of_files(files, pins))
    return cache.root() / "tools" / f"{recipe.name}-{recipe.version}-{key}"


def _built(recipe: Recipe) -> Tool | None:
    try:
        path = _folder(recipe) / recipe.name
    except ToolchainError:  # without Go nothing was built here
        return None
    if not cache.intact(path):
        return None
    return Tool(recipe.name, recipe.version, path, "built")


def _on_path(recipe: Recipe) -> Tool | None:
    """Take a program on PATH if it says that it is of the pinned version."""
    path = shutil.which(recipe.name)
    if path is None or not recipe.asks:
        return None
    try:
        done = subprocess.run(
            [path, *recipe.asks],
            capture_output=True,
            text=True,
            check=False,
            timeout=ASK_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    says = re.search(r"\bv?(\d+\.\d+\.\d+)\b", done.stdout + done.stderr)
    if says is None or says[1] != recipe.version:
        return None
    return Tool(recipe.name, recipe.version, Path(path), "PATH")
