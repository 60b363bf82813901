"""Steps with an environment of their own, prepared beforehand: no channel of packages is asked."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytestmark = [pytest.mark.backends("nomad/raw_exec"), pytest.mark.timeout(300)]
HERE = Path(__file__).parent


@pytest.fixture
def prepared(tmp_path):
    """Make an interpreter's folder, with a module of its own and what Metaflow needs."""
    venv.create(tmp_path / "prepared", with_pip=False)
    (packages,) = (tmp_path / "prepared").glob("lib/python*/site-packages")
    (packages / "only_there.py").write_text("WORD = 'found'\n")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return tmp_path / "prepared"


def test_a_step_runs_in_its_environment_and_its_launcher_does_not(prepared, environment, tmp_path):
    flow = HERE / "flows/prepared.py"
    argv = [sys.executable, str(flow), "--no-pylint", "--environment=prepared", "run"]
    added = {"PYTHONPATH": str(HERE / "environment"), "PREPARED": str(prepared)}

    done = subprocess.run(
        argv, cwd=tmp_path, env={**environment, **added}, capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split("] ", 2)[-1] for line in done.stdout.splitlines()]
    assert f"prefix {prepared}" in said
    assert "word found" in said
    assert "Bootstrapping virtual environment..." in said
    assert any(line.endswith(f"here {sys.prefix}") for line in said)
