"""What launchers cost while 80 real steps run at once: connections, memory, requests.

Usage: nomad_crowd.py. Starts a Nomad of our own and runs the flow of tests/test_contract_crowd.py,
which counts lines. Told are the most connections that all launchers had at a time, against Nomad's
limit of 100 from one address; the memory that one launcher has for itself; and the requests per
second that reached the server in the busiest ten, those of its own client included.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import requests
from shared.agent import agent, environment

if TYPE_CHECKING:
    from collections.abc import Mapping

FLOW = Path(__file__).parents[1] / "tests/flows/crowd.py"
STEPS, LINES = 80, 20
LIMIT = 100  # connections that Nomad takes from one address
LONGEST = 1800  # seconds
SERVER = "forkserver.server"  # in the command line of what launchers are forked from
INTERVAL = 10.0  # seconds that Nomad's metrics are of


def main() -> None:
    """Start an agent, measure, take it down."""
    with agent() as (running, home):
        measure(environment(running, "raw_exec"), home)


def measure(environment: Mapping[str, str], home: Path) -> None:
    """Run the flow, look at its launchers every second, and print the line."""
    argv = [sys.executable, str(FLOW), "--no-pylint", "run", "--max-workers", str(STEPS)]
    argv += ["--steps", str(STEPS), "--lines", str(LINES)]
    with (home / "out").open("w") as out:
        process = subprocess.Popen(
            argv, cwd=home, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
        most = watch(process, environment["NOMAD_ADDR"])
    shown = re.findall(r"\] (step \d+ line \d+)$", (home / "out").read_text(), re.MULTILINE)
    line = {
        "name": "nomad_crowd",
        "steps": STEPS,
        "failed": process.returncode,
        "lines_lost": STEPS * LINES - len(set(shown)),
        "lines_doubled": len(shown) - len(set(shown)),
        **most,
        "goal": f"no line lost or doubled, < {LIMIT} connections",
        "holds": process.returncode == 0
        and len(shown) == len(set(shown)) == STEPS * LINES
        and most["connections"] < LIMIT,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line), flush=True)


def watch(process: subprocess.Popen[bytes], address: str) -> dict[str, float]:
    """Follow a flow to its end; give the most of what was seen at a time."""
    most = {"connections": 0, "connections_of_one": 0, "mb_of_one": 0.0, "requests_per_s": 0.0}
    until = time.monotonic() + LONGEST
    while process.poll() is None:
        if time.monotonic() > until:
            process.kill()
        for name, value in seen(process.pid, address).items():
            most[name] = max(most[name], value)
        time.sleep(1)
    return most


def seen(pid: int, address: str) -> dict[str, float]:
    """Look once at the launchers of a run, and at what the server says of itself."""
    port = int(address.rpartition(":")[2])
    connections, memory = [], [0.0]
    for one in launchers(pid):
        with suppress(psutil.Error):  # it ended between two looks
            found = one.net_connections("tcp")
            connections.append(sum(1 for each in found if each.raddr and each.raddr.port == port))
            memory.append(one.memory_full_info().uss / 2**20)
    return {
        "connections": sum(connections),
        "connections_of_one": max(connections, default=0),
        "mb_of_one": round(max(memory), 1),
        "requests_per_s": round(requests_of(address) / INTERVAL, 1),
    }


def launchers(pid: int) -> list[psutil.Process]:
    """Find the forks that see steps through."""
    with suppress(psutil.Error):
        family = psutil.Process(pid).children(recursive=True)
        servers = {one.pid for one in family if any(SERVER in word for word in one.cmdline())}
        return [one for one in family if one.ppid() in servers]
    return []


def requests_of(address: str) -> float:
    """Count the requests of the last whole interval."""
    with suppress(requests.RequestException):  # a server with much to do
        counters: Any = requests.get(f"{address}/v1/metrics", timeout=5).json()["Counters"]
        return float(sum(c["Count"] for c in counters if c["Name"] == "nomad.nomad.rpc.request"))
    return 0.0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the agent is taken down
    main()
