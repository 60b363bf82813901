"""Give flows a Metaflow of their own: no setting, run or card of the user gets in or out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PREFIX = "METAFLOW_"
USER = "metaflow-backends"


def make(home: Path) -> dict[str, str | None]:
    """Create the folders below `home` and give the environment that makes Metaflow use them.

    Every other METAFLOW_* variable of the caller is removed (None). Flows should run with a
    working directory below `home`: Metaflow looks for local settings and for the cards' folder in
    the nearest `.metaflow` above it, whatever the datastore's root is.
    """
    (home / "metaflow-home").mkdir(parents=True, exist_ok=True)
    # Its presence ends Metaflow's search for a project's own `.metaflow/config.json` here.
    (home / ".metaflow").mkdir(exist_ok=True)
    (home / "work").mkdir(exist_ok=True)
    return {**removed(os.environ), **_own(home)}


def removed(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Name the caller's Metaflow variables, to be removed."""
    return {name: None for name in environment if name.startswith(PREFIX)}


def _own(home: Path) -> dict[str, str | None]:
    return {
        "METAFLOW_HOME": str(home / "metaflow-home"),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
        "METAFLOW_USER": USER,
    }
