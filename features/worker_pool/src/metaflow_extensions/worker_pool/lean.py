"""The seam to Metaflow's small files: same names and bytes, each there at once or not at all.

Not public API: `LocalMetadataProvider._dump_json_to_file` and `LocalStorage._atomic_write`, that
write some forty files for each task through `tempfile` and `json.dump`. Here each is one `open`,
one `write` and one `rename`. `tests/test_seams.py` says so when Metaflow changes them, and
`tests/test_lean.py` holds every byte against what the originals write.
"""

from __future__ import annotations

import inspect
import itertools
import json
import os
from contextlib import suppress
from typing import Any

_MODE = 0o600  # what `tempfile` gives
_numbers = itertools.count()


def missing() -> str | None:
    """Say what the installed Metaflow lacks of the seam; None if nothing."""
    from metaflow.plugins.datastores.local_storage import LocalStorage
    from metaflow.plugins.metadata_providers.local import LocalMetadataProvider

    wanted = {
        (LocalMetadataProvider, "_dump_json_to_file"): ["filepath", "data", "allow_overwrite"],
        (LocalStorage, "_atomic_write"): ["full_path", "data", "mode"],
    }
    for (holder, name), parameters in wanted.items():
        found = getattr(holder, name, None)
        if found is None or list(inspect.signature(found).parameters) != parameters:
            return f"{holder.__module__}.{holder.__name__}.{name} is not what it was"
    return None


def use() -> None:
    """Write with fewer calls from now on, in this process; where Metaflow changed, do nothing."""
    if missing() is not None:
        return
    from metaflow.plugins.datastores.local_storage import LocalStorage
    from metaflow.plugins.metadata_providers.local import LocalMetadataProvider

    LocalMetadataProvider._dump_json_to_file = classmethod(_dump_json_to_file)  # noqa: SLF001
    LocalStorage._atomic_write = staticmethod(_atomic_write)  # noqa: SLF001


def _dump_json_to_file(
    _: Any,
    filepath: str,
    data: Any,
    allow_overwrite: bool = False,  # noqa: FBT001, FBT002 - Metaflow's
) -> None:
    if not allow_overwrite and os.path.isfile(filepath):  # noqa: PTH113 - forty times per task
        return
    write(filepath, json.dumps(data).encode())


def _atomic_write(full_path: str, data: Any, mode: str = "wb") -> None:
    write(full_path, data if mode == "wb" else data.encode())


def write(path: str, data: bytes) -> None:
    """Write a file so that no reader ever sees a part of it.

    Raises OSError as the calls below do; nothing is left behind then.
    """
    folder = path.rpartition("/")[0] or "."
    part = f"{folder}/tmp{os.getpid()}_{next(_numbers)}"  # noqa: S108 - beside the file
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _MODE)
    try:
        try:
            written = os.write(descriptor, data)
            while written < len(data):  # a large artifact
                written += os.write(descriptor, data[written:])
        finally:
            os.close(descriptor)
        os.rename(part, path)  # noqa: PTH104
    except BaseException:
        with suppress(OSError):
            os.unlink(part)  # noqa: PTH108
        raise
