from __future__ import annotations

import os
from pathlib import Path

import pytest
from metaflow_backends.host import mounts
from metaflow_backends.identity import pids
from metaflow_backends.ownership import Ownership


class Left:
    """What one start has on the machine now, counted without the code that takes it down."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.network = f"mx-h{Ownership.of(home).tag}"[:13]  # a profile with namespaces

    def __call__(self) -> dict[str, list[str]]:
        return {
            "processes": [process.pid for process in Ownership.of(self.home).tagged()],
            "near": [pid for pid in pids() if str(self.home) in _command(pid)],
            "mounts": list(mounts.below(self.home)),
            "groups": [str(p) for p in Path("/sys/fs/cgroup").glob("*/nomad/**/*-*-*-*-*.step")],
            "namespaces": [p.name for p in Path("/run/netns").glob(f"{self.network}*")],
            "links": [p.name for p in Path("/sys/class/net").glob(f"mxh{self.network[3:]}*")],
        }


def _command(pid: int) -> str:
    try:
        return (Path("/proc") / str(pid) / "cmdline").read_text(errors="replace")
    except OSError:
        return ""


NOTHING = {
    "processes": [], "near": [], "mounts": [], "groups": [], "namespaces": [], "links": [],
}  # fmt: skip


@pytest.fixture
def left(home):
    return Left(home)


@pytest.fixture
def root():
    if os.geteuid() != 0:
        pytest.fail("Nomad's clients need root: run these tests as root", pytrace=False)
