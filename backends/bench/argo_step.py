"""What a step of a workflow costs on top of its pod: the time in which nothing of ours runs.

Usage: argo_step.py. Starts a cluster of our own with Argo Workflows, runs a workflow of steps that
follow each other and do nothing, and subtracts from its time what their containers ran. The other
arm is the same number of Jobs, one after the other, on the same cluster: what a pod costs without
Argo. Both are told in seconds per step.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from k8s_jobs import PODS, together
from metaflow_backends.k8s import Api, K8s, api_of
from metaflow_backends.k8s.manifests import ACCOUNT
from metaflow_backends.protocol import Running, Settings

STEPS, REPEATS = 6, 3
GOAL = 5.0  # seconds per step
LONGEST = 300.0  # seconds for one workflow
KIND = "/apis/argoproj.io/v1alpha1"


def main() -> None:
    """Start a cluster, measure, take it down."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        try:
            measure(K8s().start(Settings("k8s"), home))
        finally:
            K8s().stop(Running(), home)


def measure(running: Running) -> None:
    """Run both arms in turn and print their medians."""
    api = api_of(running)
    together(api, running, 1, PODS)  # what only the first pod pays for
    ours, floor = [], []
    for _ in range(REPEATS):
        ours.append(over(api, running))
        floor += [together(api, running, 1, PODS) for _ in range(STEPS)]
    step, job = statistics.median(ours), statistics.median(floor)
    line = {
        "name": "argo_step",
        "ours": round(step, 3),
        "other": round(job, 3),
        "ratio": round(step / job, 2),
        "goal": f"<= {GOAL:g} s per step on top of its container",
        "holds": step <= GOAL,
        "repeats": REPEATS,
        "steps": STEPS,
        "load": round(os.getloadavg()[0], 2),
    }
    print(json.dumps(line))


def over(api: Api, running: Running) -> float:
    """Run one workflow; seconds per step in which no container of a step ran."""
    namespace = running.details["namespace"]
    where = f"{KIND}/namespaces/{namespace}/workflows"
    name = api.create(workflow(running))["metadata"]["name"]
    status = until(api, f"{where}/{name}")
    pods = api.get(
        f"/api/v1/namespaces/{namespace}/pods",
        labelSelector=f"workflows.argoproj.io/workflow={name}",
    )["items"]
    ran = sum(seconds_of(pod) for pod in pods)
    whole = (moment(status["finishedAt"]) - moment(status["startedAt"])).total_seconds()
    api.delete(f"{where}/{name}")
    if len(pods) != STEPS or status["phase"] != "Succeeded":
        said = [node.get("message", "") for node in status.get("nodes", {}).values()]
        sys.exit(f"{name} is {status['phase']} with {len(pods)} pods: {' | '.join(said)}")
    return (whole - ran) / STEPS


def until(api: Api, path: str) -> dict[str, Any]:
    """Wait for the end of a workflow and give its status."""
    deadline = time.monotonic() + LONGEST
    while True:
        status = api.get(path).get("status", {})
        if status.get("finishedAt"):
            return status
        if time.monotonic() > deadline:
            sys.exit(f"{path}: not over after {LONGEST:g} s: {status.get('phase')}")
        time.sleep(0.2)


def seconds_of(pod: dict[str, Any]) -> float:
    """Say how long the container `main` ran, to the second, as the cluster tells it."""
    (main_one,) = [c for c in pod["status"]["containerStatuses"] if c["name"] == "main"]
    ended = main_one["state"]["terminated"]
    return (moment(ended["finishedAt"]) - moment(ended["startedAt"])).total_seconds()


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def workflow(running: Running) -> dict[str, Any]:
    """Give a workflow of steps that do nothing, one after the other."""
    task = {
        "name": "nothing",
        "container": {"image": running.details["image"], "command": ["true"]},
    }
    steps = [[{"name": f"step-{number}", "template": "nothing"}] for number in range(STEPS)]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "bench-", "namespace": running.details["namespace"]},
        "spec": {
            "entrypoint": "all",
            "serviceAccountName": ACCOUNT,  # which may report to Argo how a task ended
            "templates": [{"name": "all", "steps": steps}, task],
        },
    }


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is taken down
    main()
