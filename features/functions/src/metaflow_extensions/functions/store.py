"""Where references, code and artifacts are read and written: folders, zip files, datastores."""

from __future__ import annotations

import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from metaflow_extensions.functions.capture.archive import write_whole
from metaflow_extensions.functions.errors import BadReferenceError

SCHEMES = {"s3": "s3", "gs": "gs", "azure": "azure"}


class Store(Protocol):
    """A place with bytes by key; keys are relative paths."""

    @property
    def root(self) -> str: ...

    def read(self, key: str) -> bytes:
        """Give the bytes; BadReferenceError if there are none."""

    def write(self, key: str, data: bytes) -> None:
        """Put bytes there; nobody ever sees a part of them."""


@dataclass(frozen=True)
class Folder:
    """A folder on this machine."""

    path: Path

    @property
    def root(self) -> str:
        return str(self.path)

    def read(self, key: str) -> bytes:
        try:
            return (self.path / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise BadReferenceError(f"{self.path / key} is not there") from None
        except OSError as error:
            raise BadReferenceError(f"{self.path / key}: {error.strerror}") from None

    def write(self, key: str, data: bytes) -> None:
        path = self.path / key
        if not path.is_file() or path.read_bytes() != data:
            write_whole(path, data)

    def keys(self, folder: str) -> list[str]:
        return sorted(f"{folder}/{path.name}" for path in (self.path / folder).glob("*.json"))


@dataclass(frozen=True)
class Zipped:
    """A bundle in one file."""

    path: Path

    @property
    def root(self) -> str:
        return str(self.path)

    def read(self, key: str) -> bytes:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.read(key)
        except (KeyError, FileNotFoundError):
            raise BadReferenceError(f"{self.path} holds no {key}") from None
        except zipfile.BadZipFile as error:
            raise BadReferenceError(f"{self.path}: {error}") from None

    def write(self, key: str, data: bytes) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(self.path, "a") as archive:
            if key not in archive.namelist():
                archive.writestr(key, data)


@dataclass(frozen=True)
class Remote:
    """A root in one of Metaflow's datastores; read and written as Metaflow itself does."""

    kind: str
    root: str

    def read(self, key: str) -> bytes:
        with self._storage().load_bytes([key]) as loaded:
            for _, path, _ in loaded:
                if path:
                    return Path(path).read_bytes()
        raise BadReferenceError(f"{self.root}/{key} is not there")

    def write(self, key: str, data: bytes) -> None:
        import io

        self._storage().save_bytes([(key, io.BytesIO(data))], overwrite=True)

    def _storage(self) -> Any:
        return storage_class(self.kind)(self.root)


def storage_class(kind: str) -> Any:
    """Give Metaflow's class for a kind of datastore."""
    from metaflow.plugins import DATASTORES

    found = [one for one in DATASTORES if kind == one.TYPE]
    if not found:
        raise BadReferenceError(f"this Metaflow has no datastore {kind!r}")
    return found[0]


def blob_of(kind: str, root: str, flow: str, sha: str) -> bytes:
    """Give the pickle of an artifact from the datastore of its flow; BadReferenceError if gone."""
    from metaflow.datastore import FlowDataStore

    if kind == "local" and not os.path.isdir(root):  # noqa: PTH112 - as it is, without resolving
        raise BadReferenceError(f"the datastore {root} is not there: export the bundle where it is")
    store = FlowDataStore(flow, None, storage_impl=storage_class(kind), ds_root=root)
    with suppress(KeyError, OSError, StopIteration):
        for _, blob in store.ca_store.load_blobs([sha]):
            return bytes(blob)
    raise BadReferenceError(f"{root}/{flow} holds no artifact {sha[:12]} any more")


def store_at(place: str) -> Store:
    """Give the store a location names: a folder, a file *.zip, or a URL."""
    scheme, separator, _ = place.partition("://")
    if separator and scheme in SCHEMES:
        return Remote(SCHEMES[scheme], place.rstrip("/"))
    if separator:
        raise BadReferenceError(f"{place}: {scheme} is no datastore of Metaflow")
    path = Path(place).absolute()
    return Zipped(path) if path.suffix == ".zip" else Folder(path)


def split(location: str) -> tuple[Store, str]:
    """Part the location of a reference into a store and a key.

    References lie in `references/` of a root, or are `reference.json` of a bundle.
    """
    if location.rstrip("/").endswith(".json"):
        top, _, name = location.rpartition("/")
        if top.rpartition("/")[2] == "references" or top == "references":
            return store_at(top.rpartition("/")[0] or "."), f"references/{name}"
        return store_at(top or "."), name
    return store_at(location), "reference.json"
