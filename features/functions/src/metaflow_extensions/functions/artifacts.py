"""Artifacts of a finished task that a function uses."""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from metaflow_extensions.functions.capture.archive import digest
from metaflow_extensions.functions.capture.pickled import Looking
from metaflow_extensions.functions.errors import BindError
from metaflow_extensions.functions.parameters import FunctionParameters
from metaflow_extensions.functions.store import blob_of, storage_class

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Artifact:
    """Where the bytes of an artifact are, and what they must be."""

    sha256: str  # of the pickle
    size: int  # bytes of it
    key: str  # in the flow's content-addressed store
    kind: str  # of the datastore
    root: str  # of the datastore
    flow: str
    file: str = ""  # in a bundle, relative to it

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Artifact:
        known = {name: said[name] for name in cls.__dataclass_fields__ if name in said}
        return cls(**known)

    def as_dict(self) -> dict[str, Any]:
        return {n: v for n in self.__dataclass_fields__ if (v := getattr(self, n)) != ""}


@dataclass(frozen=True)
class Found:
    """An artifact as it was read at bind."""

    artifact: Artifact
    pickled: bytes
    value: Any
    modules: frozenset[str]  # of the classes in it


def used_names(function: Callable[..., Any], params: type | None) -> set[str] | None:
    """Name the artifacts a function uses; None if that cannot be told, so all of them.

    The annotations of a subclass of FunctionParameters say it, else the attributes that the source
    takes of the argument; an argument that goes elsewhere hides what is used there.
    """
    if params is not None and params is not FunctionParameters:
        return set(get_type_hints(params))
    name = list(inspect.signature(function).parameters)[1]
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return None
    return _attributes(tree, name)


def _attributes(tree: ast.AST, name: str) -> set[str] | None:
    taken: set[str] = set()
    whole = 0  # times the argument is used as such
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == name:
            whole += 1
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == name:
            taken.add(node.attr)
            whole -= 1
    return taken if whole == 0 else None


def find(task: Any, names: set[str] | None) -> dict[str, Found]:
    """Read artifacts of a task; BindError for one that is missing or that nobody could load."""
    present = {artifact.id: artifact for artifact in task}
    missing = sorted((names or set()) - set(present))
    if missing:
        known = ", ".join(sorted(n for n in present if not n.startswith("_")))
        raise BindError(f"{task.pathspec} has no artifact {missing[0]!r}; it has: {known}")
    chosen = sorted(names) if names is not None else sorted(_own(present))
    return {name: _read(task, present[name]) for name in chosen}


def _own(present: Mapping[str, Any]) -> set[str]:
    """Leave out what Metaflow keeps for itself."""
    return {name for name in present if not name.startswith("_")} - {"name", "input"}


def _read(task: Any, artifact: Any) -> Found:
    known = artifact._object  # noqa: SLF001 - the Client gives no other way to the bytes
    if "pickle" not in str(known["content_type"]):
        raise BindError(f"artifact {artifact.id} is kept as {known['content_type']}, not as pickle")
    kind, flow = known["ds_type"], task.path_components[0]
    root = root_of(kind, known["location"], flow)
    pickled = blob_of(kind, root, flow, known["sha"])
    value, modules = _look(artifact.id, pickled)
    place = Artifact(digest(pickled), len(pickled), known["sha"], kind, root, flow)
    return Found(place, pickled, value, modules)


def place_of(artifact: Any, flow: str) -> str:
    """Give the root of the datastore that an artifact of the Client is in."""
    known = artifact._object  # noqa: SLF001 - the Client gives no other way to it
    return root_of(known["ds_type"], known["location"], flow)


def root_of(kind: str, location: str, flow: str) -> str:
    """Give the root of a datastore from where Metaflow says an artifact is."""
    if location.startswith(":root:"):
        return location[len(":root:") :]
    return str(storage_class(kind).get_datastore_root_from_location(location, flow))


def _look(name: str, pickled: bytes) -> tuple[Any, frozenset[str]]:
    """Load a pickle, as `Task.data` does; BindError if workers could not."""
    looking = Looking(pickled)
    try:
        value = looking.load()
    except Exception as error:  # any code runs in it
        raise BindError(
            f"artifact {name} cannot be loaded here: {type(error).__name__}: {error}"
        ) from error
    if "__main__" in looking.modules:
        raise BindError(
            f"artifact {name} holds a class of the flow's own file, which runs as __main__: "
            "define the class in a module beside it"
        )
    return value, frozenset(looking.modules)


def check_types(params: type | None, found: Mapping[str, Found]) -> None:
    """Hold artifacts against the annotations of `params`; BindError for one of another type."""
    if params is None or params is FunctionParameters:
        return
    from pydantic import ConfigDict, TypeAdapter, ValidationError
    from pydantic.errors import PydanticUserError

    for name, hint in get_type_hints(params).items():
        value = found[name].value
        try:
            TypeAdapter(hint, config=ConfigDict(arbitrary_types_allowed=True)).validate_python(
                value, strict=True
            )
        except PydanticUserError:  # of a type with settings of its own
            TypeAdapter(hint).validate_python(value, strict=True)
        except ValidationError as error:
            (first, *_) = error.errors()
            wanted = getattr(hint, "__name__", hint)
            raise BindError(
                f"artifact {name} is {type(value).__name__}, and {params.__name__} says {wanted}: "
                f"{first['msg']}"
            ) from None
