"""Jobs on a cluster of our own: the time of one, and the rate of a hundred.

Usage: k8s_jobs.py. Prints a line for each bar. A Job's time is told twice: until its pod has
succeeded, and until the Job counts it. Kubernetes' own Job controller does that a second later, as
it gathers changes for that long (SyncJobBatchPeriod). The other arm is the same command started by
hand on this machine, between the Jobs: what the noise of the machine alone makes of it.
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
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from metaflow_backends.k8s import Api, K8s, api_of
from metaflow_backends.protocol import Running, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

SINGLE, MANY = 15, 100
SECONDS, RATE = 1.5, 1.5  # goals: of one Job, and pods a second


@dataclass(frozen=True)
class Watched:
    """Objects by which the end of a Job is seen."""

    api: str
    plural: str
    job: Callable[[Mapping[str, Any]], str]
    ended: Callable[[Mapping[str, Any]], bool]


JOBS = Watched(
    "/apis/batch/v1",
    "jobs",
    job=lambda found: found["metadata"]["name"],
    ended=lambda found: bool(found.get("status", {}).get("succeeded")),
)
PODS = Watched(
    "/api/v1",
    "pods",
    job=lambda found: found["metadata"].get("labels", {}).get("job-name", ""),
    ended=lambda found: found["status"].get("phase") == "Succeeded",
)


def main() -> None:
    """Start a cluster, measure, take it down."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        try:
            measure(K8s().start(Settings("k8s", options={"argo": False}), home))
        finally:
            K8s().stop(Running(), home)


def measure(running: Running) -> None:
    """Measure both bars on a cluster that is up."""
    api = api_of(running)
    together(api, running, 2)  # what only the first pods pay for
    pods, counted, floor = [], [], []
    for _ in range(SINGLE):
        pods.append(together(api, running, 1, PODS))
        counted.append(together(api, running, 1))
        started = time.monotonic()
        subprocess.run(["true"], check=True)
        floor.append(time.monotonic() - started)
    other = statistics.median(floor)
    tell("k8s_job_pod_succeeded", statistics.median(pods), other, SECONDS, SINGLE)
    tell("k8s_job_counted", statistics.median(counted), other, SECONDS, SINGLE)
    rates = [MANY / together(api, running, MANY) for _ in range(2)]
    tell("k8s_pods_per_second", statistics.median(rates), None, RATE, 2, more_is_better=True)


def together(api: Api, running: Running, count: int, watched: Watched = JOBS) -> float:
    """Run so many trivial Jobs side by side; seconds from the first request to the last end."""
    namespace = running.details["namespace"]
    jobs = f"{JOBS.api}/namespaces/{namespace}/{JOBS.plural}"
    where = f"{watched.api}/namespaces/{namespace}/{watched.plural}"
    version = api.get(where)["metadata"]["resourceVersion"]
    started = time.monotonic()
    wanted = {api.create(job(running))["metadata"]["name"] for _ in range(count)}
    names = set(wanted)
    for event in api.watch(where, version=version, timeout=300):
        if watched.ended(event["object"]):
            wanted.discard(watched.job(event["object"]))
        if not wanted:
            break
    seconds = time.monotonic() - started
    for name in names:
        api.delete(f"{jobs}/{name}")
    return seconds


def job(running: Running) -> dict[str, Any]:
    """Give a Job whose one pod does nothing."""
    container = {"name": "main", "image": running.details["image"], "command": ["true"]}
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": "bench-", "namespace": running.details["namespace"]},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }


def tell(
    name: str,
    ours: float,
    other: float | None,
    goal: float,
    repeats: int,
    *,
    more_is_better: bool = False,
) -> None:
    """Print one line of JSON."""
    holds = ours >= goal if more_is_better else ours <= goal
    line = {
        "name": name,
        "ours": round(ours, 3),
        "other": None if other is None else round(other, 4),
        "ratio": None if other is None else round(ours / other, 1),
        "goal": goal,
        "holds": holds,
        "repeats": repeats,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is taken down
    main()
