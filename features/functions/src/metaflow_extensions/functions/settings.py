"""Where things are kept, as the environment says or by default."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = "METAFLOW_FUNCTIONS_ROOT"  # where references are written, instead of beside the runs
CACHE = "METAFLOW_FUNCTIONS_CACHE"  # code, artifacts and environments that were fetched or made
FORK = "METAFLOW_FUNCTIONS_FORK"  # 0: every worker loads the function itself
LARGEST = 1 << 29  # bytes of one record, result or chunk unless a handle says otherwise


def cache_folder() -> Path:
    """Give the cache; it is made for this user alone, since what it holds is run."""
    said = os.environ.get(CACHE)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(said) if said else Path(base) / "metaflow-functions"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder.absolute()


def root_said() -> str | None:
    """Give the folder for references that the environment names."""
    return os.environ.get(ROOT) or None


def forks() -> bool:
    """Tell if workers are forked from one process that has loaded the function."""
    return os.environ.get(FORK, "1") != "0"
