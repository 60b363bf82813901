"""The interpreter and the packages that a function runs with."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.capture.origins import distributions_of
from metaflow_extensions.functions.errors import BindError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

OURS = frozenset({"metaflow-open-functions", "metaflow-extras"})  # workers bring it along
WORKERS = ("orjson", "pydantic")  # what a worker itself needs


@dataclass(frozen=True)
class Environment:
    """A version of Python, and distributions by name with their versions."""

    python: str
    packages: Mapping[str, str]

    @classmethod
    def of(cls, modules: Iterable[str], also: Iterable[str] = ()) -> Environment:
        """Capture what installs some modules, and what that needs, from this interpreter.

        `also` names distributions that are needed beyond what is imported.
        """
        roots = {name for module in modules for name in distributions_of(module)}
        named = {required(name) for name in also}
        return cls(platform.python_version(), _closure({*roots, *named, *WORKERS}))

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Environment:
        return cls(str(said["python"]), dict(said["packages"]))

    def as_dict(self) -> dict[str, Any]:
        return {"python": self.python, "packages": dict(self.packages)}

    @property
    def minor(self) -> str:
        return minor(self.python)

    def differences(self) -> list[str]:
        """Say what is otherwise in this interpreter; nothing if functions can run right here."""
        found = []
        if self.minor != minor(platform.python_version()):
            found.append(f"Python {self.minor} is wanted, this is {platform.python_version()}")
        for name, version in sorted(self.packages.items()):
            here = installed_version(name)
            if here != version:
                found.append(f"{name} {version} is wanted, {here or 'none'} is here")
        return found


def minor(version: str) -> str:
    """Give the part of a version of Python within which byte code and wheels fit: '3.11'."""
    return ".".join(version.split(".")[:2])


def canonical(name: str) -> str:
    """Spell a distribution's name as indexes do (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_version(name: str) -> str | None:
    """Give the version that is installed here; None if there is none."""
    found = _found(name)
    return found.version if found else None


def required(name: str) -> str:
    """Take a name that the user gave; BindError if it is not installed."""
    if installed_version(name) is None:
        raise BindError(f"requirements: {name} is not installed here, so its version is unknown")
    return name


@cache
def _found(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _closure(roots: Iterable[str]) -> dict[str, str]:
    """Follow what distributions require, as far as it is installed."""
    waiting = {(canonical(name), "") for name in roots}
    seen: set[tuple[str, str]] = set()
    versions: dict[str, str] = {}
    while waiting:
        name, extra = waiting.pop()
        seen.add((name, extra))
        found = _found(name)
        if found is None or name in OURS:
            continue
        versions[name] = found.version
        waiting |= _needs(found, extra) - seen
    return dict(sorted(versions.items()))


def _needs(found: Distribution, extra: str) -> set[tuple[str, str]]:
    from packaging.requirements import Requirement

    needs = set()
    for line in found.requires or ():
        one = Requirement(line)
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            needs |= {(canonical(one.name), wanted) for wanted in ("", *one.extras)}
    return needs
