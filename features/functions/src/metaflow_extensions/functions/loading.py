"""From the location of a reference to checked files on this machine."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metaflow_extensions.functions.capture.archive import digest, unpack, write_whole
from metaflow_extensions.functions.errors import BadReferenceError
from metaflow_extensions.functions.plan import Plan
from metaflow_extensions.functions.reference import Reference, parsed
from metaflow_extensions.functions.settings import cache_folder
from metaflow_extensions.functions.store import Store, blob_of, split

if TYPE_CHECKING:
    from pathlib import Path

    from metaflow_extensions.functions.artifacts import Artifact

PIECE = 1 << 20  # bytes hashed at once


@dataclass(frozen=True)
class Loaded:
    """A reference, where it was found, and its parts on this machine."""

    reference: Reference
    location: str
    plan: Plan


def read_reference(location: str) -> tuple[Reference, Store]:
    """Read a reference, and say which store its parts are in."""
    from metaflow_extensions.functions import netflix

    store, key = split(location)
    place = f"{store.root}/{key}"
    written = store.read(key)
    said = parsed(written, place)
    if netflix.is_one(said):
        return netflix.translate(said, place)
    return Reference.of(said, place), store


def load(location: str) -> Loaded:
    """Fetch what a reference names, and check every hash; BadReferenceError for the first wrong."""
    reference, store = read_reference(location)
    folder = cache_folder() / "code" / reference.code.sha256
    unpack(code_bytes(reference, store), folder)
    for name, artifact in reference.artifacts.items():
        artifact_file(name, artifact, store)
    return plan_of(reference, location)


def plan_of(reference: Reference, location: str) -> Loaded:
    """Say where the parts of a reference lie in the cache."""
    code, function = reference.code, reference.function
    folder = cache_folder()
    artifacts = {
        name: str(folder / "artifacts" / one.sha256) for name, one in reference.artifacts.items()
    }
    plan = Plan(
        str(folder / "code" / code.sha256), code.sha256, code.files, function.module,
        function.name, function.declared, artifacts,
    )  # fmt: skip
    return Loaded(reference, location, plan)


def code_bytes(reference: Reference, store: Store) -> bytes:
    """Give the code package; BadReferenceError if it is not what was bound."""
    packed = store.read(reference.code.key)
    if digest(packed) != reference.code.sha256:
        raise BadReferenceError(
            f"{store.root}/{reference.code.key} was altered: its hash is not that of the reference"
        )
    return packed


def artifact_file(name: str, artifact: Artifact, store: Store) -> Path:
    """Give a file with the pickle of an artifact: the cached one if it is right, or a new one."""
    path = cache_folder() / "artifacts" / artifact.sha256
    if path.is_file() and file_digest(path) == artifact.sha256:
        return path
    pickled = artifact_bytes(artifact, store)
    if digest(pickled) != artifact.sha256:
        raise BadReferenceError(f"artifact {name} was altered: its hash is not the reference's")
    write_whole(path, pickled)
    return path


def artifact_bytes(artifact: Artifact, store: Store) -> bytes:
    """Read the pickle of an artifact, from its bundle or from where the run has left it."""
    if artifact.file:
        return store.read(artifact.file)
    return blob_of(artifact.kind, artifact.root, artifact.flow, artifact.key)


def file_digest(path: Path) -> str:
    """Hash a file piece by piece, so that large artifacts do not fill the memory."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found.update(piece)
    return found.hexdigest()
