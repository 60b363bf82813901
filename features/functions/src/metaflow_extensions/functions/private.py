"""Loads captured code as modules of its own, below a name that nobody else has.

Two versions of a module live side by side in one process, and a file called `json.py` of the user
hides nothing from others. The code sees what it expects: its imports are led to its own modules by
an `__import__` in the builtins that its modules are given.
"""

from __future__ import annotations

import builtins
import importlib
import io
import pickle
import sys
import threading
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

PREFIX = "_metaflow_function_"
OF_NETFLIX = frozenset({"metaflow_extensions.nflx.plugins.json_function"})
NAMES = "metaflow_extensions.functions.toplevel.names"
_LOCK = threading.RLock()  # two loads of the same code must not both make its modules


@dataclass(frozen=True)
class PrivateCode:
    """A folder of code, the prefix its modules are loaded below, and the names it claims."""

    folder: Path
    prefix: str
    tops: frozenset[str]

    @classmethod
    def of(cls, folder: Path, digest: str, places: Iterable[str]) -> PrivateCode:
        """Make modules importable below a prefix of their digest."""
        tops = frozenset(place.partition("/")[0].removesuffix(".py") for place in places)
        code = cls(folder, f"{PREFIX}{digest[:16]}", tops)
        with _LOCK:
            _root_of(code)
        return code

    @property
    def dotted(self) -> str:
        return f"{self.prefix}."

    def owns(self, module: str) -> bool:
        return module.partition(".")[0] in self.tops

    def module(self, name: str) -> ModuleType:
        """Import one of the modules under its private name."""
        with _LOCK:
            return importlib.import_module(f"{self.prefix}.{name}")

    def function(self, module: str, name: str) -> Callable[..., Any]:
        found: Callable[..., Any] = getattr(self.module(module), name)
        return found

    def unpickle(self, pickled: bytes) -> Any:
        """Load an artifact or a function; classes of the user are those of this code."""
        return _Unpickler(pickled, self).load()

    def imported(
        self,
        name: str,
        scope: Any = None,
        local: Any = None,
        wanted: Sequence[str] = (),
        level: int = 0,
    ) -> Any:
        """Stand for `__import__` in modules of this code."""
        if name in OF_NETFLIX and not level:  # in functions that were bound by their package
            name = NAMES
        if level or not self.owns(name):
            return builtins.__import__(name, scope, local, wanted, level)
        if wanted:
            return builtins.__import__(f"{self.prefix}.{name}", scope, local, wanted, 0)
        importlib.import_module(f"{self.prefix}.{name}")
        return sys.modules[f"{self.prefix}.{name.partition('.')[0]}"]

    def builtins(self) -> dict[str, Any]:
        return {**vars(builtins), "__import__": self.imported}


class _Loader(SourceFileLoader):
    """Runs a module with builtins of its own."""

    def __init__(self, name: str, path: str, code: PrivateCode) -> None:
        super().__init__(name, path)
        self.code = code

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self.code.builtins()
        super().exec_module(module)


class _Finder:
    """Finds what lies below a private prefix; nothing else."""

    codes: dict[str, PrivateCode] = {}  # noqa: RUF012 - what is loaded is loaded for the process

    @classmethod
    def find_spec(
        cls, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        code = cls.codes.get(name.partition(".")[0])
        if code is None or path is None:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path, code)
        return spec


def _root_of(code: PrivateCode) -> None:
    """Make the package that all modules of a code lie in."""
    if code.prefix in sys.modules:
        return
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
    root = ModuleType(code.prefix)
    root.__path__ = [str(code.folder)]
    _Finder.codes[code.prefix] = code
    sys.modules[code.prefix] = root


class _Unpickler(pickle.Unpickler):
    """Leads a pickle to the private modules, also what cloudpickle makes of functions."""

    def __init__(self, pickled: bytes, code: PrivateCode) -> None:
        super().__init__(io.BytesIO(pickled))
        self.code = code

    def find_class(self, module: str, name: str) -> Any:
        if module == "cloudpickle.cloudpickle" and name == "subimport":
            return self._module
        if module == "cloudpickle.cloudpickle" and name == "_make_function":
            return self._function
        if self.code.owns(module):
            module = self.code.module(module).__name__
        return super().find_class(module, name)

    def _module(self, name: str) -> ModuleType:
        return self.code.module(name) if self.code.owns(name) else importlib.import_module(name)

    def _function(
        self, body: Any, scope: dict[str, Any], name: Any, defaults: Any, closure: Any
    ) -> FunctionType:
        """Do as cloudpickle's own does, with the builtins of this code."""
        scope["__builtins__"] = self.code.builtins()
        return FunctionType(body, scope, name, defaults, closure)
