"""Where a module comes from: the standard library, an installed distribution, or the user."""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from importlib.machinery import ModuleSpec
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path

OURS = "metaflow_extensions"  # comes with Metaflow's distributions, and ours with every worker
MODULES = frozenset({".py", ".so"})
INSTALLED = frozenset({"site-packages", "dist-packages"})


@dataclass(frozen=True)
class Source:
    """A module of the user's own: its file, and where that belongs below the top of the code."""

    name: str
    file: Path
    is_package: bool

    @property
    def place(self) -> str:
        """Where it lies in the captured code."""
        path = self.name.replace(".", "/")
        return f"{path}/__init__.py" if self.is_package else f"{path}{self.file.suffix}"


def source_of(name: str) -> Source | None:
    """Give a module if it is the user's own; None for what is installed, or not there."""
    if top_of(name) in {*sys.stdlib_module_names, "metaflow", OURS, "__main__"}:
        return None
    spec = _spec(name)
    if spec is None or spec.origin is None or not spec.has_location:
        return None
    file = Path(spec.origin)
    if is_installed(file):
        return None
    return Source(name, file, spec.submodule_search_locations is not None)


def is_installed(file: Path) -> bool:
    """Tell if a file belongs to what pip installed, or to Python itself."""
    library = Path(sysconfig.get_path("stdlib"))
    return bool(INSTALLED & set(file.parts)) or library in file.parents


def distributions_of(name: str) -> list[str]:
    """Name the distributions that a module is installed by; the user's own has none."""
    if top_of(name) in {*sys.stdlib_module_names, OURS, "__main__"}:
        return []
    return _distributions().get(top_of(name), []) if source_of(name) is None else []


def top_of(name: str) -> str:
    """Give the part of a module's name before the first dot."""
    return name.partition(".")[0]


def _spec(name: str) -> ModuleSpec | None:
    loaded = sys.modules.get(name)
    if loaded is not None and isinstance(getattr(loaded, "__spec__", None), ModuleSpec):
        return loaded.__spec__
    try:
        return find_spec(name)
    except (ImportError, ValueError, AttributeError):  # a part of it is not there, or no package
        return None


@cache
def _distributions() -> dict[str, list[str]]:
    """Map what can be imported to what installed it.

    importlib.metadata.packages_distributions() does so from Python 3.11 on; before that it knows
    only distributions with a top_level.txt, which newer build backends do not write.
    """
    found: dict[str, set[str]] = {}
    for one in distributions():
        for top in _tops(one):
            found.setdefault(top, set()).add(one.metadata["Name"])
    return {top: sorted(names) for top, names in found.items()}


def _tops(one: Distribution) -> set[str]:
    said = (one.read_text("top_level.txt") or "").split()
    files = [file for file in one.files or () if not said]
    packages = {file.parts[0] for file in files if len(file.parts) > 1}
    alone = [file for file in files if len(file.parts) == 1 and file.suffix in MODULES]
    modules = {file.name.partition(".")[0] for file in alone}
    return {*said, *(name for name in packages | modules if name.isidentifier())}
