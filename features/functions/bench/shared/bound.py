"""Functions bound to a task that was just run, and how results are told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOWS = Path(__file__).resolve().parents[1] / "flows"
Bind = Callable[[str], str]


@contextmanager
def bound() -> Iterator[Bind]:
    """Run the flow in a folder of its own; gives what binds a function by its name."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            METAFLOW_USER="bench",
            METAFLOW_DATASTORE_SYSROOT_LOCAL=folder,
            METAFLOW_FUNCTIONS_CACHE=f"{folder}/cache",
        )
        argv = [sys.executable, str(FLOWS / "training.py"), "--no-pylint", "run"]
        subprocess.run(argv, check=True, capture_output=True, cwd=folder)
        sys.path.insert(0, str(FLOWS))
        import scored
        from metaflow import Flow, JsonFunction, metadata, namespace

        metadata(f"local@{folder}")
        namespace(None)
        task = Flow("BenchFlow").latest_run["start"].task
        yield lambda name: JsonFunction(getattr(scored, name), task=task).reference


def tell(
    name: str, ours: float, other: float, goal: float, repeats: int, *, least: bool = False
) -> None:
    """Print a line; `goal` is what the ratio may be at most, or is at least."""
    ratio = ours / other
    line = {
        "name": name,
        "ours": round(ours, 6),
        "other": round(other, 6),
        "ratio": round(ratio, 3),
        "goal": f"{'>=' if least else '<='} {goal:g}",
        "holds": ratio >= goal if least else ratio <= goal,
        "repeats": repeats,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line), flush=True)


def tell_alone(name: str, ours: float, goal: float, repeats: int) -> None:
    """Print a line for what has a bar of its own: `ours` may be `goal` at most."""
    line = {
        "name": name,
        "ours": round(ours, 6),
        "other": None,
        "ratio": None,
        "goal": f"<= {goal:g}",
        "holds": ours <= goal,
        "repeats": repeats,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line), flush=True)
