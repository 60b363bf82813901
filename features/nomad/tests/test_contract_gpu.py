"""GPUs as Nomad schedules, reserves and counts them; the two cards of the node are made up."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

pytestmark = [pytest.mark.backends("nomad/gpu"), pytest.mark.timeout(300)]
EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.smoke
def test_the_example_has_a_card(mf_flow):
    run = mf_flow(EXAMPLES / "gpu.py", compare=False)

    assert run.task("start").artifacts["card"].value in {"GPU-0", "GPU-1"}


@pytest.mark.parametrize(
    "said",
    [
        {"gpu": 3},
        {"gpu": 1, "device": "amd/gpu"},
        {"gpu": 1, "device_constraints": "${device.attr.memory} >= 80 GiB"},
        {"gpu": 1, "device_constraints": "${device.model} regexp ^H100"},
    ],
    ids=["too many", "another kind", "too small", "another model"],
)
def test_cards_that_no_node_has_are_said_at_once(launched, said):
    end, _, _ = launched("true", **said)

    assert end.cause.value == "no place", end.sentence
    assert "without such a device" in end.sentence


def test_cards_that_are_in_use_are_waited_for(launched):
    begun, ends = threading.Event(), []

    def first():
        ends.append(launched("bash", "-c", "echo mine; sleep 8", gpu=2, seen=begun.set)[0])

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(60)
    end, screen, _ = launched("bash", "-c", "echo $NVIDIA_VISIBLE_DEVICES", gpu=1)
    thread.join(60)

    assert [one.succeeded for one in (*ends, end)] == [True, True]
    assert "queued: all devices are in use on 1 of 1 nodes" in screen.said
    assert screen.lines["stdout"][0] in {b"GPU-0", b"GPU-1"}
