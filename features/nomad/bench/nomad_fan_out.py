"""How many trivial steps per second Nomad takes from us, against its own tool with the same jobs.

Usage: nomad_fan_out.py. Starts a Nomad of our own. One arm sees 100 jobs through as launchers do:
registered, followed with both streams, judged. The other hands the very same files to
`nomad job run -detach` and waits until all have ended. Both have the same number at once.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends import toolchain
from metaflow_backends.nomad import Nomad
from metaflow_backends.protocol import Running, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metaflow_extensions.nomad.spec import Spec

STEPS, AT_ONCE, REPEATS = 100, 16, 3
GOAL = 0.9  # of what the tool does
LONGEST = 300.0  # seconds for one arm


def main() -> None:
    """Start an agent, measure, take it down."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        try:
            running = Nomad().start(Settings("nomad", start_timeout=300), home)
            os.environ.update({n: v for n, v in running.environment.items() if v is not None})
            measure(home)
        finally:
            Nomad().stop(Running(), home)


def measure(home: Path) -> None:
    """Run both arms in turn."""
    through_us(jobs(AT_ONCE))  # what only the first pay for
    ours, other = [], []
    for _ in range(REPEATS):
        ours.append(STEPS / through_us(jobs(STEPS)))
        other.append(STEPS / through_the_tool(jobs(STEPS), home))
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


def jobs(count: int) -> list[dict[str, Any]]:
    """Make the documents of steps that say a word."""
    import metaflow  # noqa: F401 - it loads the extension
    from metaflow_extensions.nomad.job.document import document
    from metaflow_extensions.nomad.job.identity import Attempt

    run = uuid.uuid4().hex[:8]
    return [
        document(Attempt("Bench", run, "s", str(number), 0, "s3://b"), spec(), ["echo", "x"], {})
        for number in range(count)
    ]


def spec() -> Spec:
    from metaflow_extensions.nomad import spec

    return spec.Spec.of({"driver": "raw_exec", "memory": 20, "cpu": 20, "disk": 110})


class Quiet:
    """Shows nothing."""

    def say(self, text: str, allocation: str = "") -> None: ...

    def line(self, stream: str, line: bytes, allocation: str) -> None: ...


def through_us(documents: Sequence[Mapping[str, Any]]) -> float:
    """See jobs through as launchers do; seconds for all."""
    from metaflow_extensions.nomad.api.client import Client
    from metaflow_extensions.nomad.launching import Launch

    def see_through(job: Mapping[str, Any]) -> bool:
        return Launch(Client.here(60), job, spec(), Quiet()).run().succeeded

    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = list(pool.map(see_through, documents))
    if not all(ended):
        sys.exit(f"{ended.count(False)} of {len(ended)} steps failed")
    return time.monotonic() - began


def through_the_tool(documents: Sequence[Mapping[str, Any]], home: Path) -> float:
    """Hand jobs to `nomad job run` and wait for their ends; seconds for all."""
    import requests

    program = str(toolchain.ensure("nomad").path)
    files = [home / f"{number}.json" for number in range(len(documents))]
    for file, job in zip(files, documents, strict=True):
        file.write_text(json.dumps({"Job": job}))

    def submit(place: tuple[Path, Mapping[str, Any]]) -> None:
        file, job = place
        argv = [program, "job", "run", "-json", "-detach", str(file)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=LONGEST)
        url = f"{os.environ['NOMAD_ADDR']}/v1/job/{job['ID']}"
        while requests.get(url, timeout=10).json()["Status"] != "dead":
            time.sleep(0.1)

    began = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(submit, zip(files, documents, strict=True)))
    return time.monotonic() - began


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the agent is taken down
    main()
