"""Functions that no module holds, as pickles; and what a pickle refers to."""

from __future__ import annotations

import io
import pickle
from types import FunctionType
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.capture.imports import imported_by_code

if TYPE_CHECKING:
    from collections.abc import Callable

HELPERS = frozenset({"cloudpickle", "builtins", "types"})


def pickle_function(function: Callable[..., Any]) -> tuple[bytes, set[str]]:
    """Pickle a function by value; gives that, and the modules it needs."""
    import cloudpickle

    names: set[str] = set()

    class Noting(cloudpickle.CloudPickler):
        def reducer_override(self, value: Any) -> Any:
            if isinstance(value, FunctionType):
                names.update(imported_by_code(value.__code__))
            return super().reducer_override(value)

    written = io.BytesIO()
    Noting(written).dump(function)
    return written.getvalue(), names | referred_to(written.getvalue())


def referred_to(pickled: bytes) -> set[str]:
    """Name the modules a pickle needs, without loading it.

    A text before STACK_GLOBAL may come from the memo, so every text is taken that could name a
    module there; what is no module is left out by who asks where modules come from.
    """
    import pickletools

    names: set[str] = set()
    texts: list[str] = []
    for step, argument, _ in pickletools.genops(pickled):
        if step.name in {"GLOBAL", "INST"}:
            names.add(str(argument).partition(" ")[0])
        elif isinstance(argument, str):
            texts.append(argument)
        elif step.name == "STACK_GLOBAL":
            names.update(text for text in texts if _may_name_a_module(text))
    return names


def _may_name_a_module(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


class Looking(pickle.Unpickler):
    """Loads an artifact, and notes the modules its classes are in."""

    def __init__(self, pickled: bytes) -> None:
        super().__init__(io.BytesIO(pickled))
        self.modules: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.modules.add(module)
        return super().find_class(module, name)
