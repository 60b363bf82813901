"""All that runs on Ray, in a process that runs nothing else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LONGEST = 900  # seconds


def test_what_runs_on_ray_passes(request, tmp_path):
    marks = request.config.option.markexpr
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    chosen = ["-m", marks] if marks else []
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTEST_")}

    done = subprocess.run(
        [*argv, *chosen, "--metaflow-state", str(tmp_path), str(HERE)],
        cwd=HERE.parents[2],
        env={**kept, "FUNCTIONS_TESTS_OF_RAY": "yes"},
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )

    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed[1]) >= 30 or "not slow" not in marks
