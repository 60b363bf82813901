"""A reference with all that it needs in one folder or file, to be moved anywhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from metaflow_extensions.functions.capture.archive import digest
from metaflow_extensions.functions.errors import BadReferenceError
from metaflow_extensions.functions.loading import artifact_bytes, code_bytes, read_reference
from metaflow_extensions.functions.store import Zipped, store_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metaflow_extensions.functions.store import Store

NAME = "reference.json"


def export(location: str, target: str, *, include_artifacts: bool) -> str:
    """Write the bundle and give its location; everything is checked on the way."""
    reference, source = read_reference(location)
    store = store_at(target)
    parts = {reference.code.key: code_bytes(reference, source)}
    if include_artifacts:
        placed = reference.in_bundle()
        for name, artifact in reference.artifacts.items():
            pickled = artifact_bytes(artifact, source)
            if digest(pickled) != artifact.sha256:
                raise BadReferenceError(f"artifact {name} was altered since the function was bound")
            parts[placed.artifacts[name].file] = pickled
        reference = placed
    _write(store, {**parts, NAME: reference.write()})
    return store.root if isinstance(store, Zipped) else f"{store.root}/{NAME}"


def _write(store: Store, parts: Mapping[str, bytes]) -> None:
    """Write all parts; an earlier bundle in one file stays until the new one is whole."""
    if not isinstance(store, Zipped):
        for key, data in parts.items():
            store.write(key, data)
        return
    part = Zipped(store.path.with_name(f".{store.path.name}.part-{os.getpid()}"))
    try:
        for key, data in parts.items():
            part.write(key, data)
        part.path.replace(store.path)
    finally:
        part.path.unlink(missing_ok=True)
