"""Argo Workflows on the shared cluster, through Metaflow's own Deployer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from metaflow_backends.k8s import api_of
from metaflow_backends.k8s.manifests import ACCOUNT

pytestmark = [pytest.mark.backends("argo"), pytest.mark.timeout(300)]
FLOW = """
from metaflow import FlowSpec, step

class Deployed(FlowSpec):
    @step
    def start(self):
        self.items = [1, 2]
        self.next(self.each, foreach="items")

    @step
    def each(self):
        self.tenfold = self.input * 10
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(i.tenfold for i in inputs)
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Deployed()
"""
TRIGGER = """
import json, sys, time
from metaflow import Deployer, namespace
namespace(None)
deployed = Deployer(sys.argv[1], show_output=False).argo_workflows().create(
    auto_emit_argo_events=False)
try:
    triggered = deployed.trigger()
    deadline = time.monotonic() + 240
    while (status := (triggered.status or "").upper()) not in {"SUCCEEDED", "FAILED", "ERROR"}:
        assert time.monotonic() < deadline, status
        time.sleep(1)
    run = triggered.run
    run.add_tag("seen")
    print(json.dumps([status, run.id.startswith("argo-deployed-"), run.successful,
                      run.data.total, "seen" in run.user_tags]))
finally:
    deployed.delete()
"""


@pytest.mark.smoke
def test_a_deployed_flow_runs_and_its_run_is_found_and_tagged(backend, tmp_path):
    flow = tmp_path / "deployed.py"
    flow.write_text(FLOW)

    done = subprocess.run(
        [sys.executable, "-c", TRIGGER, str(flow)],
        env=backend.environ(os.environ), capture_output=True, text=True, check=False,
        timeout=280, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == ["SUCCEEDED", True, True, 30, True]


def test_a_workflow_that_metaflow_never_came_into_says_what_its_pod_said(backend):
    running = backend.running
    api, where = api_of(running), {"namespace": running.details["namespace"]}
    container = {
        "image": running.details["image"],
        "command": ["bash", "-c", "echo so it goes >&2; exit 3"],
    }
    name = api.create({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "dies-", **where},
        "spec": {
            "entrypoint": "main",
            "serviceAccountName": ACCOUNT,
            "templates": [{"name": "main", "container": container}],
        },
    })["metadata"]["name"]  # fmt: skip
    path = f"/apis/argoproj.io/v1alpha1/namespaces/{where['namespace']}/workflows/{name}"
    try:
        deadline = time.monotonic() + 120
        while api.get(path).get("status", {}).get("phase") != "Failed":
            assert time.monotonic() < deadline
            time.sleep(0.5)

        actual = backend.explain(f"argo-{name}")
    finally:
        api.delete(path)

    assert actual.splitlines()[0] == f"{name} ended with 3:"
    assert "so it goes" in actual
