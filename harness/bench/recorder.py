"""What recording costs per test, beside --junitxml, in the same run.

5,000 trivial tests are run three ways, alternating: plain, with our records, with --junitxml.
A cost is CPU seconds over plain; ours divided by theirs must be <= 1.0. A fourth and fifth way
measure the plugin when it is installed but unused, against pytest without it.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = 5_000
REPEATS = int(os.environ.get("BENCH_REPEATS", "5"))
MATRIX = "version: 1\nbackends: {local: {kind: local, required: false}}\n"
WITHOUT = ("-p", "no:metaflow-backends")


def write_project(folder: Path) -> None:
    body = "import pytest\n\n@pytest.mark.parametrize('n', range({}))\ndef test_{}(n): pass\n"
    for number in range(10):
        (folder / f"test_{number}.py").write_text(body.format(TESTS // 10, number))
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "other.yaml").write_text(MATRIX)


def cpu_seconds(folder: Path, *args: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *args]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=300)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(done.stdout.decode()[-2000:] + done.stderr.decode()[-2000:])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(folder: Path) -> dict[str, list[float]]:
    ways = {
        "without": WITHOUT,
        "unused": (),
        "records": ("--metaflow-matrix=other.yaml", "--metaflow-records=records"),
        "active": ("--metaflow-matrix=other.yaml",),
        "junit": ("--junitxml=j.xml", *WITHOUT),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, args in ways.items():
            seconds[name].append(cpu_seconds(folder, *args))
    return seconds


def import_milliseconds() -> float:
    """Measure the import of the plugin module after pytest, best of 7 processes."""
    code = (
        "import pytest, time; t = time.perf_counter(); import pytest_metaflow_backends.plugin;"
        "print((time.perf_counter() - t) * 1000)"
    )
    runs = [float(subprocess.check_output([sys.executable, "-c", code])) for _ in range(7)]
    return min(runs)


def line(name: str, ours: float, other: float, ratio: float, goal: str, *, holds: bool) -> None:
    print(
        json.dumps(
            {
                "name": name,
                "ours": round(ours, 5),
                "other": round(other, 5),
                "ratio": round(ratio, 3),
                "goal": goal,
                "holds": holds,
                "repeats": REPEATS,
                "load": round(os.getloadavg()[0], 2),
            }
        ),
        flush=True,
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder)
        cpu_seconds(folder)  # write the byte code once
        seconds = measure(folder)
    paired = list(zip(seconds["records"], seconds["junit"], seconds["without"], strict=True))
    ours = statistics.median(r - w for r, _, w in paired) / TESTS * 1000
    junit = statistics.median(j - w for _, j, w in paired) / TESTS * 1000
    line(
        "recorder ms per test / junitxml",
        ours,
        junit,
        ours / junit,
        "ratio <= 1.0",
        holds=ours <= junit,
    )
    unused = (
        statistics.median(u - w for u, w in zip(seconds["unused"], seconds["without"], strict=True))
        / TESTS
        * 1000
    )
    line(
        "unused plugin, extra ms per test",
        unused,
        0.0,
        unused / 0.01,
        "ours <= 0.01",
        holds=unused <= 0.01,
    )
    imported = import_milliseconds()
    line("plugin import, ms", imported, 0.0, imported / 5, "ours <= 5", holds=imported <= 5)


if __name__ == "__main__":
    started = time.time()
    main()
