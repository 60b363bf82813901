"""Build one program with the Go toolchain of this machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.cache import require_space
from metaflow_backends.toolchain.recipe import ToolchainError

if TYPE_CHECKING:
    from metaflow_backends.toolchain.recipe import Recipe

PINS = Path(__file__).with_name("pins")
OLDEST_GO = (1, 26)
SPACE = 4 << 30  # bytes: Go's module and build caches grow by about that for the largest
TIMEOUT = 3600.0  # seconds
SAID = 15  # lines of a failed build that are quoted
# Settings of a user's own projects that would change what is built.
NOT_OURS = ("GOFLAGS", "GO111MODULE", "GOWORK", "GOOS", "GOARCH", "GOEXPERIMENT", "CGO_CFLAGS")


@cache
def go_version() -> str:
    """Name the version of Go, e.g. 1.26.8.

    Raises ToolchainError if there is none or it is too old for the pinned modules.
    """
    go = shutil.which("go")
    wanted = ".".join(map(str, OLDEST_GO))
    cure = f"install Go {wanted} or newer from go.dev/dl, or put prebuilt programs on PATH"
    if go is None:
        raise ToolchainError(f"there is no Go to build with: {cure}")
    said = subprocess.run(
        [go, "version"], env=_environment(), capture_output=True, text=True, check=False
    ).stdout
    found = re.search(r"go(\d+)\.(\d+)(?:\.\d+)?", said)
    if found is None or (int(found[1]), int(found[2])) < OLDEST_GO:
        raise ToolchainError(f"{said.strip() or go} is too old to build with: {cure}")
    return found[0].removeprefix("go")


def build(recipe: Recipe, target: Path, work: Path) -> None:
    """Build a program into `target`, with a copy of its pins in `work`.

    Raises ToolchainError with the last lines that Go said.
    """
    go_version()
    require_space(SPACE if recipe.package != "." else SPACE // 64, f"building {recipe.name}")
    module = work / "module"
    shutil.copytree(PINS / recipe.module, module)
    if recipe.patches:
        _patch(recipe, module)
    command = [
        "go", "build", "-mod=mod", "-trimpath", "-buildvcs=false",
        *(["-tags", recipe.tags] if recipe.tags else []),
        "-ldflags", f"-s -w {recipe.link}".strip(),
        "-o", str(target), recipe.package,
    ]  # fmt: skip
    _go(command, module, cgo=recipe.cgo, what=f"{recipe.name} {recipe.version}")


def download(module: str, path: str) -> Path:
    """Give the folder with the source of a Go module that `pins/<module>` pins."""
    folder = PINS / module
    said = _go(
        ["go", "mod", "download", "-json", f"{path}@{pinned(folder / 'go.mod', path)}"], folder
    )
    found = re.search(r'"Dir": "([^"]+)"', said)
    if found is None:
        raise ToolchainError(f"{path}: Go names no folder for its source")
    return Path(found[1])


def pinned(gomod: Path, path: str) -> str:
    """Find the version that a go.mod requires of a module; KeyError if it requires none."""
    found = re.search(
        rf"^\s*(?:require )?{re.escape(path)} (v\S+)", gomod.read_text(), re.MULTILINE
    )
    if found is None:
        raise KeyError(path)
    return found[1]


def _patch(recipe: Recipe, module: Path) -> None:
    """Build from a copy of a module's source with our own files laid over it."""
    source = module / "source"
    shutil.copytree(download(recipe.module, recipe.patches), source)
    for folder, _, _ in os.walk(source):  # Go's module cache is read-only
        Path(folder).chmod(0o755)
    shutil.copytree(PINS / recipe.module / "patch", source, dirs_exist_ok=True)
    with (module / "go.mod").open("a", encoding="utf-8") as gomod:
        gomod.write(f"\nreplace {recipe.patches} => ./source\n")


def _go(command: list[str], folder: Path, *, cgo: bool = False, what: str = "") -> str:
    try:
        done = subprocess.run(
            command, cwd=folder, env=_environment(cgo=cgo), capture_output=True, text=True,
            check=False, timeout=TIMEOUT,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ToolchainError(f"{what or command[1]}: Go did not end within an hour") from None
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
        last = "\n".join(said[-SAID:])
        raise ToolchainError(f"{what or command[1]} cannot be built; Go says:\n{last}")
    return done.stdout


def _environment(*, cgo: bool = False) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    return {**kept, "CGO_ENABLED": "1" if cgo else "0", "GOFLAGS": "", "GOWORK": "off"}
