"""A reference with all that it needs in one folder or file, to be moved anywhere."""

from __future__ import annotations

from pathlib import Path

from metaflow_extensions.functions.capture.archive import digest
from metaflow_extensions.functions.errors import BadReferenceError
from metaflow_extensions.functions.loading import artifact_bytes, code_bytes, read_reference
from metaflow_extensions.functions.store import Zipped, store_at

NAME = "reference.json"


def export(location: str, target: str, *, include_artifacts: bool) -> str:
    """Write the bundle and give its location; everything is checked on the way."""
    reference, source = read_reference(location)
    store = store_at(target)
    if isinstance(store, Zipped):
        Path(store.path).unlink(missing_ok=True)
    store.write(reference.code.key, code_bytes(reference, source))
    if include_artifacts:
        placed = reference.in_bundle()
        for name, artifact in reference.artifacts.items():
            pickled = artifact_bytes(artifact, source)
            if digest(pickled) != artifact.sha256:
                raise BadReferenceError(f"artifact {name} was altered since the function was bound")
            store.write(placed.artifacts[name].file, pickled)
        reference = placed
    store.write(NAME, reference.write())
    return store.root if isinstance(store, Zipped) else f"{store.root}/{NAME}"
