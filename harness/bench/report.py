"""Measure how long it takes from records to all reports and check runs, and how much memory.

    python report.py [--million] [--repeats N]

Prints one JSON line per size. The floor it is compared with is what no reader of JSON lines can
avoid: `json.loads` of every line, measured in the same go, alternating with ours.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_metaflow_backends.report.model import Report

HERE = Path(__file__).resolve().parent
COLUMNS = 5
GOALS = {"100k": (20_000, 4.0, 120.0), "1M": (200_000, 40.0, 500.0)}  # rows, CPU s, MB
RENDERERS = ("terminal", "markdown", "html", "junit", "json_report")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--million", action="store_true", help="also a million results")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--arm", choices=("ours", "floor"), help=argparse.SUPPRESS)
    parser.add_argument("--records", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps({"ours": _ours, "floor": _floor}[options.arm](options.records)))
        return
    for name in ("100k", "1M") if options.million else ("100k",):
        print(json.dumps(_compare(name, options.repeats if name == "100k" else 2)), flush=True)


def _compare(name: str, repeats: int) -> dict[str, object]:
    rows, seconds, megabytes = GOALS[name]
    with tempfile.TemporaryDirectory(prefix="bench-report-") as folder:
        subprocess.run(
            [
                sys.executable,
                HERE / "synthesize_records.py",
                folder,
                "--rows",
                str(rows),
                "--columns",
                str(COLUMNS),
            ],
            check=True,
        )
        ours, floor = [], []
        for _ in range(repeats):
            ours.append(_run("ours", folder))
            floor.append(_run("floor", folder))
    best = min(ours, key=lambda run: run["cpu_s"])
    other = min(run["cpu_s"] for run in floor)
    peak = max(run["peak_mb"] for run in ours)
    return {
        "name": f"report {name}",
        "ours": best["cpu_s"],
        "other": other,
        "ratio": round(best["cpu_s"] / other, 2),
        "peak_mb": peak,
        "goal": f"<= {seconds:g} s CPU and <= {megabytes:g} MB",
        "holds": best["cpu_s"] <= seconds and peak <= megabytes,
        "repeats": repeats,
        "load": round(os.getloadavg()[0], 2),
        "results": rows * COLUMNS,
        "stages": best["stages"],
        "absent": best["absent"],
    }


def _run(arm: str, folder: str) -> dict[str, object]:
    """Run one arm in a process of its own, so that its peak of memory is its own."""
    command = [sys.executable, __file__, "--arm", arm, "--records", folder]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def _ours(records: Path) -> dict[str, object]:
    from pytest_metaflow_backends.report.build import ExpectedColumn, build

    stages: dict[str, float] = {}
    begun = time.process_time()
    report = build(records, expected=[ExpectedColumn("local", required=True)])
    stages["merge"] = round(time.process_time() - begun, 3)
    absent = []
    for name in RENDERERS:
        begun = time.process_time()
        if not _render(name, report, records / f"out.{name}"):
            absent.append(name)
        stages[name] = round(time.process_time() - begun, 3)
    begun = time.process_time()
    _plan(report, records / "out.requests")
    stages["check runs"] = round(time.process_time() - begun, 3)
    return {**_usage(), "stages": stages, "absent": absent}


def _plan(report: Report, path: Path) -> None:
    """Write what would be sent to GitHub."""
    from pytest_metaflow_backends.github import checks
    from pytest_metaflow_backends.github.event import Event, WorkflowRun

    run = WorkflowRun(1, 1, "https://github.com/o/r/actions/runs/1")
    event = Event(name="push", repository="o/r", head="a" * 40, base="", run=run)
    requests = checks.plan(report, event)
    path.write_text(json.dumps([dict(request.body) for request in requests]))


def _render(name: str, report: Report, path: Path) -> bool:
    """Write one report; False if this tree has no such renderer."""
    from importlib import import_module
    from importlib.util import find_spec

    package = "pytest_metaflow_backends.report"
    if find_spec(f"{package}.{name}") is None:
        return False
    module = import_module(f"{package}.{name}")
    with path.open("w", encoding="utf-8") as out:
        if name == "terminal":
            from rich.console import Console

            module.render(report, Console(file=out))
        elif name == "markdown":
            out.write(module.render(report))
        else:
            module.render(report, out)
    return True


def _floor(records: Path) -> dict[str, object]:
    for path in records.glob("*.jsonl"):
        with path.open("rb") as stream:
            for line in stream:
                json.loads(line)
    return _usage()


def _usage() -> dict[str, object]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpu_s": round(used.ru_utime + used.ru_stime, 3), "peak_mb": used.ru_maxrss // 1024}


if __name__ == "__main__":
    main()
