"""Small artifacts that were read before: Metaflow reads the same few for every item.

A store is content-addressed, so what was read under a key never changes. `set_blob_cache` is how
Metaflow's own client keeps them.
"""

from __future__ import annotations

from typing import Any

LARGEST = 1 << 16  # bytes of an artifact that is kept
MOST = 1 << 22  # bytes of all


class Blobs:
    """Keeps small artifacts until there are too many of them."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}
        self._size = 0

    def load_key(self, key: str) -> bytes | None:
        return self._kept.get(key)

    def store_key(self, key: str, blob: bytes) -> None:
        if len(blob) > LARGEST or key in self._kept:
            return
        if self._size + len(blob) > MOST:
            self._kept, self._size = {}, 0
        self._kept[key] = blob
        self._size += len(blob)


def keep(flow_datastore: Any) -> None:
    """Keep small artifacts of a store from now on, if nobody else does."""
    store = flow_datastore.ca_store
    if getattr(store, "_blob_cache", None) is None and hasattr(store, "set_blob_cache"):
        store.set_blob_cache(Blobs())
