"""How long a step on Nomad takes beside its own code, in a real flow on a real agent.

Usage: nomad_step.py. Starts a Nomad of our own and runs a flow of one step with raw_exec and with
docker. Told are, in seconds: from the launcher's first moment to the first process of the task,
against `nomad job run` of the very same job; from a print in the step to its line at the launcher;
and from the last print to "Task finished".
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from metaflow_backends import toolchain
from shared.agent import agent, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLOW = Path(__file__).parent / "flows/ticking.py"
REPEATS = 5
MORE = {"raw_exec": 0.3, "docker": 0.5}  # seconds over `nomad job run`
SEEN, SEEN_LATE, FINISHED = 0.5, 1.0, 1.0  # seconds: p50, p95, the last
LONGEST = 120  # seconds of one flow


def main() -> None:
    """Start an agent, measure, take it down."""
    with agent() as (running, home):
        for driver in MORE:
            measure(driver, environment(running, driver), home)


def measure(driver: str, environment: Mapping[str, str], home: Path) -> None:
    """Run the flow and the tool in turn, and print a line for each promise."""
    ours, other, seen, finished = [], [], [], []
    flow(environment, home)  # what only the first run pays for
    for _ in range(REPEATS):
        run = flow(environment, home)
        ours.append(run.start)
        other.append(job_run(run.job, environment, home))
        seen += run.seen
        finished.append(run.finished)
    mine, tool = statistics.median(ours), statistics.median(other)
    tell(f"nomad_start_{driver}", mine, MORE[driver] + tool, other=round(tool, 3))
    middle, late = statistics.median(seen), statistics.quantiles(seen, n=20)[-1]
    tell(f"nomad_seen_p50_{driver}", middle, SEEN)
    tell(f"nomad_seen_p95_{driver}", late, SEEN_LATE)
    tell(f"nomad_finished_{driver}", statistics.median(finished), FINISHED)


def tell(name: str, ours: float, goal: float, **more: float) -> None:
    line = {
        "name": name,
        "ours": round(ours, 3),
        **more,
        "goal": f"<= {goal:.3g} s",
        "holds": ours <= goal,
        "repeats": REPEATS,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line), flush=True)


@dataclass(frozen=True)
class Run:
    """What one flow took, in seconds, and the job of its first step."""

    start: float
    seen: Sequence[float]
    finished: float
    job: Mapping[str, Any]


def flow(environment: Mapping[str, str], home: Path) -> Run:
    """Run the flow once, and look at its lines as they come."""
    argv = [sys.executable, str(FLOW), "--no-pylint", "run"]
    process = subprocess.Popen(
        argv, cwd=home, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    signal.alarm(LONGEST)
    spawned, seen, last, finished = 0.0, [], 0.0, 0.0
    for line in process.stdout or ():
        now = time.time()
        if "/start/" in line and not spawned:
            spawned = launcher_of(process.pid)
        if "] tick " in line:
            last = float(line.rsplit(" ", 1)[1])
            seen.append(now - last)
        elif "/start/" in line and "Task finished successfully" in line:
            finished = now
    signal.alarm(0)
    if process.wait() != 0 or not finished:
        sys.exit(f"the flow ended with {process.returncode}")
    job = newest(environment)
    return Run(started(environment, job["ID"]) - spawned, seen, finished - last, job)


def launcher_of(pid: int) -> float:
    """Say when the process that sees the step through came to be."""
    family = psutil.Process(pid).children(recursive=True)
    return min(born(one.pid) for one in family if {"nomad", "step"} <= set(one.cmdline()))


def born(pid: int) -> float:
    """Say when a process began, as accurate as the kernel counts; the boot time is in seconds.

    Source: proc(5), field 22 of /proc/PID/stat.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    since_boot = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)


def job_run(job: Mapping[str, Any], environment: Mapping[str, str], home: Path) -> float:
    """Hand the very same job to Nomad's own tool; seconds to its first process."""
    name = f"bench-{uuid.uuid4().hex[:8]}"
    file = home / f"{name}.json"
    file.write_text(json.dumps({"Job": {**job, "ID": name, "Name": name}}))
    program = toolchain.ensure("nomad").path
    began = time.time()
    subprocess.run(
        [program, "job", "run", "-json", "-detach", file], env=environment, check=True,
        timeout=LONGEST, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return started(environment, name) - began


def started(environment: Mapping[str, str], job: str) -> float:
    """Wait for the first process of a job's task, and say when Nomad started it."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        for one in asked(environment, f"job/{job}/allocations"):
            moment = (one["TaskStates"] or {}).get("step", {}).get("StartedAt")
            if moment:
                whole = datetime.fromisoformat(moment[:19]).replace(tzinfo=timezone.utc)
                return whole.timestamp() + float("0." + moment[20:].rstrip("Z"))
        time.sleep(0.05)
    sys.exit(f"{job} was not started within {LONGEST} s")


def newest(environment: Mapping[str, str]) -> Mapping[str, Any]:
    """Give the job of the start step that was registered last."""
    stubs = asked(environment, "jobs", prefix="mf-TickingFlow")
    name = max(stubs, key=lambda stub: stub["JobModifyIndex"])["ID"]
    return asked(environment, f"job/{name}")


def asked(environment: Mapping[str, str], path: str, **params: str) -> Any:  # noqa: ANN401 - any JSON
    import requests

    answer = requests.get(f"{environment['NOMAD_ADDR']}/v1/{path}", params=params, timeout=10)
    answer.raise_for_status()
    return answer.json()


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGALRM):  # so that the agent is taken down
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    main()
