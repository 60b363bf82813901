"""A Nomad of a bench's own, and what flows are given that run on it."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from metaflow_backends.nomad import Nomad
from metaflow_backends.protocol import Running, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def agent() -> Iterator[tuple[Running, Path]]:
    """Start one; gives it, and a folder for the bench. Both are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        try:
            yield Nomad().start(Settings("nomad", start_timeout=300), home), home
        finally:
            Nomad().stop(Running(), home)


def environment(running: Running, driver: str) -> Mapping[str, str]:
    """Give the environment of flows whose steps run with a driver."""
    attached = Nomad().attach(Settings("nomad", options={"driver": driver}), running)
    base = {n: v for n, v in os.environ.items() if not n.startswith(("METAFLOW_", "NOMAD_"))}
    kept = {n: v for n, v in attached.environment.items() if v is not None}
    return {"METAFLOW_USER": "bench", **base, **kept}
