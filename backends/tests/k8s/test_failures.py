"""What is said of a workflow whose pods failed, from what the API server answers."""

from __future__ import annotations

import pytest
from metaflow_backends.k8s import ApiError
from metaflow_backends.k8s.failures import explain

LOW, WAITING = "The node was low on resource: memory", "container main is waiting to start"


class Answers:
    """An API server with these pods, of which one log cannot be read."""

    def __init__(self, *pods):
        self.pods = pods

    def get(self, _path, **_query):
        return {"items": self.pods}

    def text(self, path, **_query):
        if "silent" in path:
            raise ApiError(WAITING, 400)
        return f"log of {path.split('/')[-2]}\n"


def pod(name, phase="Failed", **status):
    annotations = {"workflows.argoproj.io/node-name": f"flow.{name}"}
    return {
        "metadata": {"name": name, "annotations": annotations},
        "status": {"phase": phase, **status},
    }


def container(name, code, reason="Error"):
    return {"name": name, "state": {"terminated": {"exitCode": code, "reason": reason}}}


ENDS = {
    "its own code": (
        pod("start", containerStatuses=[container("main", 2), container("wait", 0)]),
        "flow.start ended with 2:\nlog of start",
    ),
    "out of memory": (
        pod("start", containerStatuses=[container("main", 137, "OOMKilled")]),
        "flow.start ended with 137, OOMKilled:\nlog of start",
    ),
    "a helper before it": (
        pod("start", initContainerStatuses=[container("init", 64)]),
        "flow.start init ended with 64:\nlog of start",
    ),
    "evicted before it began": (
        pod("silent", message=LOW),
        f"flow.silent failed: {LOW}:\n(no log: {WAITING})",
    ),
}


@pytest.mark.parametrize(("failed", "expected"), ENDS.values(), ids=ENDS)
def test_each_way_to_fail_is_told(failed, expected):
    actual = explain(Answers(pod("fine", phase="Succeeded"), failed), "metaflow", "flow")

    assert expected == actual


def test_one_log_that_cannot_be_read_hides_no_other():
    first, second = ENDS["evicted before it began"][0], ENDS["its own code"][0]

    said = explain(Answers(first, second), "metaflow", "flow")

    assert "low on resource" in said
    assert said.endswith("log of start")
