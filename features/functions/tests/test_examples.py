"""The examples run as they stand there."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_two_runs_are_compared_piped_and_exported(tmp_path, variables):
    kept = {n: v for n, v in variables.items() if "SYSROOT" not in n}
    folder = tmp_path / "examples"
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns(".*", "__pycache__"))

    def run(*argv):
        return subprocess.check_output(
            [sys.executable, *argv], cwd=folder, env=kept, text=True, stderr=subprocess.STDOUT
        )

    run("train.py", "--no-pylint", "run")
    run("train.py", "--no-pylint", "run", "--inflation", "1.1")
    said = run("compare.py").splitlines()

    assert said == [
        "dearer by 1.1",
        "failed: row 20: KeyError: 'moon'",
        "worth a visit: 15 of 21",
        str(folder / "prices.zip"),
    ]
