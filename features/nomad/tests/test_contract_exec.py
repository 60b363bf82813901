"""Steps without a container: the driver `exec`, with a root made of what images hold."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = [pytest.mark.backends("nomad/exec"), pytest.mark.timeout(300)]
EXAMPLES = Path(__file__).parents[1] / "examples"
NOBODY = 65534


@pytest.mark.smoke
def test_the_example_runs_in_a_root_of_its_own(mf_flow):
    run = mf_flow(EXAMPLES / "exec_driver.py", compare=False)

    start = run.task("start")
    assert start.artifacts["python"].value.startswith("/usr/")
    assert start.artifacts["user"].value == NOBODY
    assert start.artifacts["home"].value != "/nonexistent"
    assert start.metadata["nomad-driver"] == "exec"


@pytest.mark.faults
def test_memory_that_ran_out_is_told(launched):
    program = "import time; time.sleep(1); x = bytearray(300 << 20); x[::4096] = b'x' * 76800"

    end, _, _ = launched("python3", "-c", program, driver="exec")

    assert end.cause.value == "out of memory", end.sentence
    assert "more than 64 MB" in end.sentence


def test_root_is_refused_in_one_line(launched):
    end, _, _ = launched("true", driver="exec", user="root")

    assert end.cause.value in {"driver", "validation"}, end.sentence
    assert "root" in end.sentence
    assert "\n" not in end.sentence
