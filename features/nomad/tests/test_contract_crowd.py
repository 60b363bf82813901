"""Many at once, at Nomad's default limits: nothing fails, and no line is lost or doubled."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.backends("nomad/raw_exec"), pytest.mark.timeout(1800), pytest.mark.slow,
]  # fmt: skip
FLOWS = Path(__file__).parent / "flows"
STEPS, LINES = 80, 20
PROCESSES, EACH = 10, 30  # 300 waiters


def test_eighty_steps_at_once_lose_and_double_no_line(environment, tmp_path):
    argv = [sys.executable, str(FLOWS / "crowd.py"), "--no-pylint", "run"]
    argv += ["--steps", str(STEPS), "--lines", str(LINES), "--max-workers", str(STEPS)]
    with (tmp_path / "out").open("w") as file:
        done = subprocess.run(
            argv, cwd=tmp_path, env=environment, stdout=file, stderr=subprocess.STDOUT,
            timeout=1500, check=False,
        )  # fmt: skip

    out = (tmp_path / "out").read_text()
    assert done.returncode == 0, out[-3000:]
    shown = Counter(re.findall(r"\] (step \d+ line \d+)$", out, re.MULTILINE))
    expected = {f"step {step} line {line}": 1 for step in range(STEPS) for line in range(LINES)}
    assert dict(shown) == expected


def test_three_hundred_waiters_lose_and_double_no_line(environment, tmp_path):
    argv = [sys.executable, str(FLOWS / "waiters.py"), str(EACH), str(LINES)]
    running = [
        subprocess.Popen(argv, cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE)
        for _ in range(PROCESSES)
    ]

    ended = [one for process in running for one in json.loads(process.communicate(timeout=1500)[0])]

    assert len(ended) == PROCESSES * EACH
    assert [one["said"] for one in ended if not one["succeeded"]] == []
    assert {(one["stdout"], one["stderr"]) for one in ended} == {(LINES, 0)}
