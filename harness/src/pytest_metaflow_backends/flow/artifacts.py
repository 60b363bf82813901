"""A task's artifacts, described; unpickled here, in the flow's own process, or not at all."""

from __future__ import annotations

import io
import json
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow.canonical import digest
from pytest_metaflow_backends.flow.outcome import OPAQUE, Artifact

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

CARRIED = 16_384  # characters of JSON; a larger value is opaque


def described(datastore: Any, module: ModuleType | None) -> dict[str, Artifact]:  # noqa: ANN401
    """Describe all artifacts of the user; what Metaflow keeps for itself begins with `_`."""
    try:
        stored = datastore.ds_metadata
    except AttributeError:  # the attempt is not done (see taskview.objects)
        return {}
    names = sorted(name for name in stored["objects"] if not name.startswith("_"))
    found = (_Stored(datastore, module, n, stored["objects"][n], stored["info"][n]) for n in names)
    return {item.name: _described(item) for item in found}


@dataclass(frozen=True)
class _Stored:
    """One artifact as the datastore knows it."""

    datastore: Any  # metaflow.datastore.TaskDataStore
    module: ModuleType | None  # the flow file
    name: str
    key: str
    info: Mapping[str, Any]

    def load(self) -> Any:  # noqa: ANN401
        """Give the value; raises whatever its class raises."""
        if "pickle" not in self.info.get("encoding", "pickle"):
            return dict(self.datastore.load_artifacts([self.name]))[self.name]
        ((_, blob),) = self.datastore.parent_datastore.ca_store.load_blobs([self.key])
        return _Unpickler(io.BytesIO(blob), self.module).load()


def _described(stored: _Stored) -> Artifact:
    kind, size = _type_name(stored.info["type"]), int(stored.info.get("size", 0))
    try:
        value = stored.load()
        compared = comparable(value)
    except Exception:  # noqa: BLE001 - whatever a foreign pickle raises: it stays undescribed
        return Artifact(type=kind, size=size, digest=f"stored:{stored.key}")
    return Artifact(type=kind, size=size, digest=digest(compared), value=plain(value))


class _Unpickler(pickle.Unpickler):
    """Find the classes of the flow file, which was `__main__` where the artifact was made."""

    def __init__(self, stream: io.BytesIO, module: ModuleType | None) -> None:
        super().__init__(stream)
        self.module = module

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if module == "__main__" and self.module is not None:
            found: Any = self.module
            for part in name.split("."):
                found = getattr(found, part)
            return found
        return super().find_class(module, name)


def _type_name(shown: str) -> str:
    """Shorten `<class 'int'>` to `int`."""
    return shown.removeprefix("<class '").removesuffix("'>")


def comparable(value: object) -> object:
    """Reduce what Metaflow makes of exceptions and files to what cannot differ between hosts."""
    from metaflow.exception import MetaflowExceptionWrapper
    from metaflow.includefile import IncludedFile

    if isinstance(value, IncludedFile):
        file: Any = value
        return file.decode("artifact")  # what is in it; it holds where it lies
    if isinstance(value, MetaflowExceptionWrapper):
        return (value.type, value.exception)  # without the stack trace, which holds paths
    return value


def plain(value: object) -> Any:  # noqa: ANN401
    """Give the JSON form of a small value made of plain parts; else OPAQUE."""
    try:
        form = _form(value, [CARRIED])
        return form if len(json.dumps(form)) <= CARRIED else OPAQUE
    except (_NotPlainError, ValueError, RecursionError):
        return OPAQUE


class _NotPlainError(Exception):
    """The value has no JSON form, or is too large for one."""


def _form(value: object, left: list[int]) -> Any:  # noqa: ANN401
    left[0] -= 1  # a bound on the number of parts, so that huge or cyclic values end early
    if left[0] < 0:
        raise _NotPlainError
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) in (list, tuple):
        return [_form(item, left) for item in value]  # type: ignore[attr-defined]
    if type(value) is dict and all(type(key) is str for key in value):
        return {key: _form(item, left) for key, item in value.items()}
    if type(value).__module__ == "numpy" and not getattr(value, "shape", (1,)):
        return _form(value.item(), left)  # type: ignore[attr-defined]
    raise _NotPlainError
