from __future__ import annotations

import os
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from pytest_metaflow_backends.flow import FlowOutcome, FlowRequest, run_flow

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Desk:
    """A folder with its own Metaflow home and datastore, where flows are written and run."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "METAFLOW_HOME": str(self.folder / "home"),
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(self.folder / "store"),
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_METADATA": "local",
            "METAFLOW_USER": "tester",
        }

    def write(self, text: str, name: str = "flow.py") -> Path:
        path = self.folder / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def request(self, path: Path, **changes: object) -> FlowRequest:
        base = {"timeout": 60.0, "environment": self.environment, "cwd": self.folder}
        return FlowRequest(path=path, **{**base, **changes})

    def run(self, text: str, **changes: object) -> FlowOutcome:
        return run_flow(self.request(self.write(text), **changes))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "store").mkdir()
    return Desk(tmp_path)
