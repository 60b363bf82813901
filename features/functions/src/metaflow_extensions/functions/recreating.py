"""Gives an interpreter with the packages of a reference: this one if it has them, or a new one."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_extensions.functions.capture.archive import digest
from metaflow_extensions.functions.errors import EnvironmentMismatchError
from metaflow_extensions.functions.settings import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metaflow_extensions.functions.capture.environment import Environment

WHOLE = "whole"  # a file in an environment that is ready
LINES = 3  # of what an installer says in the end
OURS = Path(__file__).parent  # this package, which workers need beside what was captured


@dataclass(frozen=True)
class Interpreter:
    """A Python to start workers with."""

    python: str
    variables: Mapping[str, str]  # set for it, beyond those of this process


def interpreter_for(environment: Environment) -> Interpreter:
    """Give a Python that has what was captured; EnvironmentMismatchError if none can be had."""
    if not environment.differences():
        return Interpreter(sys.executable, {})
    python = python_of(environment.minor)
    name = digest(json.dumps([python, environment.minor, dict(environment.packages)]).encode())
    folder = cache_folder() / "environments" / name[:32]
    with _alone(folder):
        if not (folder / WHOLE).exists():
            _make(environment, python, folder)
    variables = {"PYTHONPATH": str(_runtime()), "PYTHONNOUSERSITE": "1"}
    return Interpreter(str(folder / "bin" / "python"), variables)


def python_of(minor: str) -> str:
    """Find a Python of a version; EnvironmentMismatchError if there is none."""
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    if minor == here:
        return sys.executable
    name = f"python{minor}"
    found = shutil.which(name)
    if found and _says([found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) == minor:
        return found
    uv = _uv()
    known = _says([*uv, "python", "find", "--no-python-downloads", minor]) if uv else ""
    if known:
        return known
    raise EnvironmentMismatchError(
        f"the function was bound with Python {minor}, and there is none here (this is {here}): "
        f"install {name} so that it is on PATH; another version is never taken in its place"
    )


def _uv() -> list[str]:
    """Give the command of uv; nothing if there is none."""
    try:
        import uv
    except ImportError:
        found = shutil.which("uv")
        return [found] if found else []
    return [str(uv.find_uv_bin())]


def _says(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _make(environment: Environment, python: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    wanted = folder.with_suffix(".txt")
    folder.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{name}=={version}" for name, version in environment.packages.items()]
    wanted.write_text("\n".join([*lines, ""]), encoding="utf-8")
    for command in _commands(python, folder, wanted):
        _run(command)
    (folder / WHOLE).touch()


def _commands(python: str, folder: Path, wanted: Path) -> list[list[str]]:
    """Name the steps: uv, or what comes with Python. Nothing beyond what was captured is taken."""
    inside = str(folder / "bin" / "python")
    if uv := _uv():
        install = [*uv, "pip", "install", "--quiet", "--python", inside]
        return [
            [*uv, "venv", "--quiet", "--python", python, str(folder)],
            [*install, "--no-deps", "--requirement", str(wanted)],
        ]
    install = [inside, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [
        [python, "-m", "venv", str(folder)],
        [*install, "--no-deps", "--requirement", str(wanted)],
    ]


def _run(command: list[str]) -> None:
    kept = {n: v for n, v in os.environ.items() if n not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=kept)
    if done.returncode != 0:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()][-LINES:]
        raise EnvironmentMismatchError(
            f"the packages of the function cannot be installed: {' '.join(said) or 'no reason'}"
        )


def _runtime() -> Path:
    """Give a folder in which nothing but this package can be imported."""
    folder = cache_folder() / "runtime" / digest(str(OURS).encode())[:16]
    place = folder / "metaflow_extensions" / "functions"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_name(f".new-{os.getpid()}")
        new.symlink_to(OURS)
        new.replace(place)
    return folder


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time make an environment; the others then find it whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
