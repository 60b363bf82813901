"""Reads the v2 references of Netflix's metaflow-functions, without that package.

Such a reference names its environment by an alias of Conda that only its maker can resolve, so its
function runs with the packages that are here. Source: references as that package writes them, 0.2.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.artifacts import Artifact, root_of
from metaflow_extensions.functions.capture.archive import digest, members
from metaflow_extensions.functions.capture.environment import Environment
from metaflow_extensions.functions.declaring import Declaration
from metaflow_extensions.functions.errors import BadReferenceError
from metaflow_extensions.functions.reference import Body, CodePackage, Reference
from metaflow_extensions.functions.store import Store, blob_of, store_at

if TYPE_CHECKING:
    from collections.abc import Mapping

LEVELS = 3  # folders from `<root>/v2` down to a reference: metadata/<uu>/<uuid>.json
SHORT = 32  # characters of their hashes
OBJECT = {"type": "object"}


def is_one(said: Any) -> bool:
    """Tell if a JSON value is such a reference."""
    return isinstance(said, dict) and {"package_uuid", "task_pathspec", "function"} <= set(said)


@dataclass(frozen=True)
class Translated:
    """A store that holds what such a reference names, under the keys that ours have."""

    root: str
    parts: Mapping[str, bytes]

    def read(self, key: str) -> bytes:
        return self.parts[key]

    def write(self, key: str, data: bytes) -> None:
        raise BadReferenceError(f"{self.root}: {key} ({len(data)} bytes) cannot be written there")


def translate(said: Mapping[str, Any], location: str) -> tuple[Reference, Store]:
    """Make one of ours of it; BadReferenceError if a part is gone or was altered."""
    if str(said.get("class_name")).endswith("FunctionPipeline"):
        raise BadReferenceError(f"{location} is a pipeline: load its members and join them with |")
    packed = _package(said["package_uuid"], location)
    code = CodePackage(digest(packed), len(packed), tuple(sorted(members(packed))))
    found = {name: _artifact(name, one, said) for name, one in said["artifacts"].items()}
    reference = Reference(
        _body(said["function"]),
        said["task_pathspec"],
        Environment(platform.python_version(), {}),
        code,
        {name: artifact for name, (artifact, _) in found.items()},
        _moment(said.get("timestamp_utc")),
        str(said.get("user", "")),
    )
    parts = {code.key: packed} | {artifact.file: blob for artifact, blob in found.values()}
    return reference, Translated(location, parts)


def _moment(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def _body(said: Mapping[str, Any]) -> Body:
    declared = Declaration(batch=False, serializer="json", takes_params=True, is_async=False)
    return Body(said["name"], said["module"], said.get("doc") or "", declared, OBJECT, OBJECT)


def _package(uuid: str, location: str) -> bytes:
    root = location
    for _ in range(LEVELS):
        root = root.rpartition("/")[0]
    key = f"package/{uuid[:2]}/{uuid}.zip"
    packed = store_at(root).read(key)
    if digest(packed)[:SHORT] != uuid:
        raise BadReferenceError(f"{root}/{key} was altered: its hash is not its name")
    return packed


def _artifact(
    name: str, said: Mapping[str, Any], reference: Mapping[str, Any]
) -> tuple[Artifact, bytes]:
    flow = reference["task_pathspec"].partition("/")[0]
    root = root_of(said["ds_type"], said["location"], flow)
    blob = blob_of(said["ds_type"], root, flow, said["sha"])
    if hashlib.sha1(blob, usedforsecurity=False).hexdigest() != said["sha"]:
        raise BadReferenceError(f"artifact {name} was altered: its hash is not the reference's")
    file = f"artifacts/{digest(blob)}"
    return Artifact(digest(blob), len(blob), said["sha"], said["ds_type"], root, flow, file), blob
