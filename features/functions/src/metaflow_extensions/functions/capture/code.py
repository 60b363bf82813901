"""The user's own code that a function needs, and nothing that it does not."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.capture.imports import imported_by_source
from metaflow_extensions.functions.capture.origins import source_of
from metaflow_extensions.functions.capture.pickled import pickle_function
from metaflow_extensions.functions.errors import BindError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

PICKLE = "__function__.pickle"


@dataclass(frozen=True)
class Code:
    """Files by place, how to get at the function, and all modules that are needed to run them."""

    files: Mapping[str, bytes]
    module: str | None  # None: the function is the pickle
    name: str
    imported: frozenset[str]

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        *,
        also: Iterable[str] = (),
        include: Iterable[str] = (),
    ) -> Code:
        """Capture a function; `also` names further modules, `include` files beside its own."""
        if _by_value(function):
            pickled, names = pickle_function(function)
            files, imported = _reached({*names, *also})
            files[PICKLE] = pickled
            imported |= {"cloudpickle"}
            module = None
        else:
            module = function.__module__
            files, imported = _reached({module, *also})
        files.update(_included(function, include))
        return cls(files, module, function.__name__, frozenset(imported))


def _by_value(function: Callable[..., Any]) -> bool:
    """Tell if no module that can be captured holds the function."""
    module = sys.modules.get(function.__module__)
    held = getattr(module, function.__qualname__, None) is function
    return function.__module__ == "__main__" or not held


def _reached(start: Iterable[str]) -> tuple[dict[str, bytes], set[str]]:
    """Follow imports through the user's own modules; gives their files, and all that was named."""
    files: dict[str, bytes] = {}
    waiting, seen = set(start), set()
    while waiting:
        name = waiting.pop()
        seen.add(name)
        found = source_of(name)
        if found is None:
            waiting |= _parents(name) - seen
            continue
        files[found.place] = found.file.read_bytes()
        if found.file.suffix == ".py":
            text = files[found.place].decode()
            waiting |= imported_by_source(text, name, is_package=found.is_package) - seen
        waiting |= _parents(name) - seen
    return files, seen


def _parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


def _included(function: Callable[..., Any], patterns: Iterable[str]) -> dict[str, bytes]:
    """Read the files that patterns name, relative to the folder of the function's file."""
    folder = Path(inspect.getfile(function)).resolve().parent
    depth = 0 if function.__module__ == "__main__" else function.__module__.count(".")
    top = folder.parents[depth - 1] if depth else folder
    files = {}
    for pattern in patterns:
        found = [path for path in sorted(folder.glob(pattern)) if path.is_file()]
        if not found:
            raise BindError(f"include={pattern!r}: no such file below {folder}")
        files.update({path.relative_to(top).as_posix(): path.read_bytes() for path in found})
    return files
