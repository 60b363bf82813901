"""Jobs of one pod, on the cluster of the column."""

from __future__ import annotations

import time
import uuid

import pytest
from metaflow_backends.k8s import api_of


@pytest.fixture
def api(backend):
    return api_of(backend.running)


@pytest.fixture
def jobs(api, backend):
    """Start a Job of one pod; it is deleted at the end of the test."""
    namespace = backend.running.details["namespace"]
    where = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    started = []

    def start(*command, image=None, limits=None, env_from=(), **spec):
        container = {
            "name": "main",
            "image": image or backend.running.details["image"],
            "imagePullPolicy": "IfNotPresent",
            "command": list(command),
            "envFrom": list(env_from),
            "resources": {"limits": limits or {}},
        }
        name = f"contract-{uuid.uuid4().hex[:8]}"
        pod = {"restartPolicy": "Never", "containers": [container], **spec}
        api.create(
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"backoffLimit": 0, "template": {"spec": pod}},
            }
        )
        started.append(name)
        return Pod(api, namespace, name)

    yield start
    for name in started:
        api.delete(f"{where}/{name}")


class Pod:
    """The one pod of a Job."""

    def __init__(self, api, namespace, job):
        self.api, self.pods, self.job = api, f"/api/v1/namespaces/{namespace}/pods", job

    def read(self):
        found = self.api.get(self.pods, labelSelector=f"job-name={self.job}")["items"]
        return found[0] if found else {"status": {}}

    def until(self, condition, seconds=90):
        deadline = time.monotonic() + seconds
        while not (value := condition(self.read()["status"])):
            assert time.monotonic() < deadline, f"pod is {self.read()['status']}"
            time.sleep(0.1)
        return value

    def end(self):
        """Wait for the end of the container and give how it ended."""
        return self.until(lambda status: _state(status).get("terminated"))

    def runs(self):
        """Wait until the container runs."""
        return self.until(lambda status: _state(status).get("running"))

    def waits(self):
        """Wait until the container says what it waits for."""
        return self.until(lambda status: _state(status).get("waiting", {}).get("message"))

    def log(self):
        return self.api.text(f"{self.pods}/{self.read()['metadata']['name']}/log")


def _state(status):
    return next((one["state"] for one in status.get("containerStatuses", ())), {})
