"""Many at once, at Nomad's default limits: nothing fails, and no line is lost or doubled."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

pytestmark = [
    pytest.mark.backends("nomad/raw_exec"), pytest.mark.timeout(1800), pytest.mark.slow,
]  # fmt: skip
FLOWS = Path(__file__).parent / "flows"
STEPS, LINES = 80, 20
PROCESSES, EACH = 10, 30  # 300 waiters


def test_eighty_steps_at_once_lose_and_double_no_line(
    environment, tmp_path, launchers, record_property
):
    argv = [sys.executable, str(FLOWS / "crowd.py"), "--no-pylint", "run"]
    argv += ["--steps", str(STEPS), "--lines", str(LINES), "--max-workers", str(STEPS)]
    with (tmp_path / "out").open("w") as file:
        process = subprocess.Popen(
            argv, cwd=tmp_path, env=environment, stdout=file, stderr=subprocess.STDOUT
        )
        most = watch(process, launchers)

    out = (tmp_path / "out").read_text()
    assert process.returncode == 0, out[-3000:]
    shown = Counter(re.findall(r"\] (step \d+ line \d+)$", out, re.MULTILINE))
    expected = {f"step {step} line {line}": 1 for step in range(STEPS) for line in range(LINES)}
    assert dict(shown) == expected
    for name, value in most.items():
        record_property(name, value)


def watch(process, launchers):
    """Follow a flow to its end; give the most sockets and own memory (MB) of one launcher."""
    most = {"sockets of a launcher": 0, "MB of a launcher": 0}
    while process.poll() is None:
        with suppress(psutil.Error):  # what ends between two looks
            for one in launchers(process.pid):
                sockets, memory = len(one.net_connections()), one.memory_full_info().uss >> 20
                most["sockets of a launcher"] = max(most["sockets of a launcher"], sockets)
                most["MB of a launcher"] = max(most["MB of a launcher"], memory)
        time.sleep(1)
    return most


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
