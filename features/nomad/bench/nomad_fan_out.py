"""How many trivial steps per second Nomad takes from us, against its own tool with the same jobs.

Usage: nomad_fan_out.py. Starts a Nomad of our own. One arm is a flow with a foreach of 100 steps.
The other hands the very jobs of those steps, as their next attempt, to `nomad job run -detach`, and
waits until each has ended. Both have the same number at once, and both are timed by Nomad: from the
first registration to the end of the last allocation.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from metaflow_backends import toolchain
from shared.agent import agent, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FLOW = Path(__file__).parent / "flows/fanning.py"
STEPS, AT_ONCE, REPEATS = 100, 16, 1  # an arm is minutes of both cores
GOAL = 0.9  # of what the tool does
LONGEST = 600  # seconds for one arm
NANO = 1e-9

Jobs = list[dict[str, Any]]


def main() -> None:
    """Start an agent, measure, take it down."""
    with agent() as (running, home):
        measure(environment(running, "raw_exec"), home)


def measure(environment: Mapping[str, str], home: Path) -> None:
    """Run both arms in turn."""
    through_us({**environment, "STEPS": "4"}, home)  # what only the first pay for
    ours, other = [], []
    for _ in range(REPEATS):
        jobs = through_us(environment, home)
        ours.append(STEPS / seconds(environment, jobs))
        again = [next_attempt(job) for job in jobs]
        through_the_tool(environment, again, home)
        other.append(STEPS / seconds(environment, again))
    ratio = statistics.median(ours) / statistics.median(other)
    line = {
        "name": "nomad_fan_out",
        "ours": round(statistics.median(ours), 2),
        "other": round(statistics.median(other), 2),
        "ratio": round(ratio, 3),
        "goal": f">= {GOAL:g}",
        "holds": ratio >= GOAL,
        "repeats": REPEATS,
        "steps": STEPS,
        "at_once": AT_ONCE,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line), flush=True)


def through_us(environment: Mapping[str, str], home: Path) -> Jobs:
    """Run the flow; gives the jobs of its foreach."""
    argv = [sys.executable, str(FLOW), "--no-pylint", "run", "--max-workers", str(AT_ONCE)]
    file = home / "run-id"
    subprocess.run(
        [*argv, "--run-id-file", str(file)], cwd=home, env=environment, check=True,
        timeout=LONGEST, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    run = file.read_text().strip()
    stubs = asked(environment, "jobs", prefix="mf-FanningFlow", meta="true")
    wanted = (run, "trivial")
    return [
        asked(environment, f"job/{one['ID']}")
        for one in stubs
        if (one["Meta"]["metaflow.run_id"], one["Meta"]["metaflow.step_name"]) == wanted
    ]


def next_attempt(job: Mapping[str, Any]) -> dict[str, Any]:
    """Make the same job one for the next attempt: this one's has been claimed."""
    text = json.dumps(job)
    for before, after in (("MF_ATTEMPT=0", "MF_ATTEMPT=1"), ("--retry-count 0", "--retry-count 1")):
        if before not in text:
            sys.exit(f"a job has no {before}")
        text = text.replace(before, after)
    name = f"{job['ID']}-again"
    return {**json.loads(text), "ID": name, "Name": name}


def through_the_tool(
    environment: Mapping[str, str], jobs: Sequence[Mapping[str, Any]], home: Path
) -> None:
    """Hand jobs to `nomad job run` and wait for their ends."""
    program = str(toolchain.ensure("nomad").path)

    def submit(job: Mapping[str, Any]) -> None:
        file = home / f"{job['ID']}.json"
        file.write_text(json.dumps({"Job": job}))
        argv = [program, "job", "run", "-json", "-detach", str(file)]
        subprocess.run(
            argv, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=LONGEST
        )
        until = time.monotonic() + LONGEST
        while asked(environment, f"job/{job['ID']}")["Status"] != "dead":
            if time.monotonic() > until:
                sys.exit(f"{job['ID']} did not end within {LONGEST} s")
            time.sleep(0.1)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(submit, jobs))


def seconds(environment: Mapping[str, str], jobs: Sequence[Mapping[str, Any]]) -> float:
    """Say how long it took from the first registration to the end of the last; all must be well."""
    begun, ended = [], []
    for job in jobs:
        (one,) = asked(environment, f"job/{job['ID']}/allocations")
        if one["ClientStatus"] != "complete":
            sys.exit(f"{job['ID']} ended as {one['ClientStatus']}")
        begun.append(one["CreateTime"] * NANO)
        ended.append(one["ModifyTime"] * NANO)
    if len(ended) != STEPS:
        sys.exit(f"{len(ended)} of {STEPS} jobs are there")
    return max(ended) - min(begun)


def asked(environment: Mapping[str, str], path: str, **params: str) -> Any:  # noqa: ANN401 - any JSON
    answer = requests.get(f"{environment['NOMAD_ADDR']}/v1/{path}", params=params, timeout=30)
    answer.raise_for_status()
    return answer.json()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the agent is taken down
    main()
