"""The event file of a step: a JSON line for all that happens, as events.schema.json says."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

VERSION = 1
FOLDER = "_worker_pool"  # in the run's folder; no step can be called so
SCHEMA = Path(__file__).parent / "events.schema.json"


class Events:
    """Appends lines, each with one write, so that a reader never sees half of one."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    @classmethod
    def of(cls, folder: Path | None, step: str) -> Events:
        if folder is None:
            return cls(None)
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        return cls(os.open(folder / f"{step}.jsonl", flags, 0o644))

    def write(self, event: str, **facts: Any) -> None:
        if self._descriptor is not None:
            line = {"v": VERSION, "time": round(time.time(), 3), "event": event, **facts}
            os.write(self._descriptor, json.dumps(line).encode() + b"\n")

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def folder_of(setting: str | None, store: Any, flow: str, run_id: str) -> Path | None:
    """Find the place for a run's events: the run's own folder, or one that a setting names."""
    if setting is not None and str(setting).lower() in {"0", "false", ""}:
        return None
    if setting:
        return Path(setting) / flow / run_id
    if store.TYPE == "local":
        return Path(store.datastore_root) / flow / run_id / FOLDER
    return None
