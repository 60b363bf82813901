"""What @nomad promises, on a real agent, with a real store."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.backends("nomad"), pytest.mark.timeout(300)]
EXAMPLES = Path(__file__).parents[1] / "examples"
HOSTILE = (
    "", "a b", "'", '"', "\\", "${HOME}", "$${HOME}", "%{if true}", "%%{", "`id`", "$(id)", "\n\n",
    "${NOMAD_ALLOC_ID}", "${node.unique.name}", "größe 🎉", "<<EOF\nEOF\n", "*", "~", "#", "!x",
    "x" * 30_000,
)  # fmt: skip


def allocations(client, job):
    return client.allocations(job)[1]


@pytest.mark.smoke
def test_the_example_runs_says_where_and_no_key_stands_in_its_job(mf_flow, client, environment):
    run = mf_flow(EXAMPLES / "hello.py", compare=False)  # it keeps an id

    start = run.task("start")
    allocation = start.metadata["nomad-alloc-id"]
    assert start.artifacts["allocation"].value == allocation
    assert f"hello from allocation {allocation}" in start.stdout
    (only,) = allocations(client, start.metadata["nomad-job-id"])
    assert (only["ID"], only["ClientStatus"]) == (allocation, "complete")
    text = json.dumps(client.job(start.metadata["nomad-job-id"]))
    assert environment["AWS_SECRET_ACCESS_KEY"] not in text
    assert environment["AWS_ACCESS_KEY_ID"] not in text


@pytest.mark.slow
def test_items_run_at_once_and_one_of_them_twice(mf_flow, client):
    run = mf_flow(EXAMPLES / "foreach_retry.py", compare=False)

    assert run.value("join", "values") == [1, 4, 9]
    assert run.value("join", "attempts") == [0, 1, 0]
    attempts = {task.metadata["nomad-job-id"] for task in run.tasks}
    assert len(attempts) == 6
    assert all(len(allocations(client, job)) == 1 for job in attempts)


def test_any_word_reaches_the_task_as_it_is(launched):
    program = "import sys; print(*map(ascii, sys.argv[1:]), sep=chr(10))"

    end, screen, _ = launched(sys.executable, "-c", program, *HOSTILE)

    assert end.succeeded
    assert screen.lines["stdout"] == [ascii(text).encode() for text in HOSTILE]


def test_a_job_that_is_registered_twice_runs_once(launched, client):
    _, _, name = launched("bash", "-c", "echo once")

    again = client.register({**client.job(name), "ID": name})

    assert again.evaluation == ""
    assert len(allocations(client, name)) == 1


def test_ten_thousand_lines_arrive_once_and_in_order(launched):
    end, screen, _ = launched("bash", "-c", "for i in $(seq 10000); do echo line $i; done")

    assert end.succeeded
    assert screen.lines["stdout"] == [f"line {i}".encode() for i in range(1, 10_001)]


def test_output_arrives_while_the_task_runs(launched):
    end, screen, _ = launched("bash", "-c", "echo out; echo err >&2; sleep 3; echo late")

    assert end.succeeded
    assert screen.lines == {"stdout": [b"out", b"late"], "stderr": [b"err"]}


CAUSES = {
    "exit code": (("bash", "-c", "exit 7"), {}, "exit code", "exit code 7", True),
    "signal": (("bash", "-c", "kill -SEGV $$"), {}, "signal", "SIGSEGV", True),
    "driver": (("no-such-program",), {}, "driver", "no-such-program", True),
    "memory": (
        ("python", "-c", "import time; time.sleep(1); x = bytearray(300 << 20)"),
        {"driver": "docker"}, "out of memory", "more than 64 MB", True,
    ),
    "image": (
        ("true",), {"driver": "docker", "image": "metaflow-extras/nowhere:1"},
        "image", "metaflow-extras/nowhere:1", None,
    ),
    "datacenter": (("true",), {"datacenters": "nowhere"}, "no place", "no node is up", False),
    "constraint": (
        ("true",), {"constraints": "${attr.cpu.arch} = vax"},
        "no place", "${attr.cpu.arch} = vax rules out", False,
    ),
    # Which of two sentences depends on whether the token may read nodes.
    "too much": (
        ("true",), {"memory": 10_000_000, "queue_timeout": 3},
        "no place", "memory", False,
    ),
    "secret": (
        ("true",), {"secrets": "nomad/jobs/nothing"}, "secret", "nomad.var.block", False,
    ),
}  # fmt: skip


SLOW = {"image"}  # a registry that cannot be reached is tried for long


@pytest.mark.faults
@pytest.mark.parametrize(
    ("argv", "said", "cause", "words", "retry"),
    [
        pytest.param(*case, id=name, marks=[pytest.mark.slow] if name in SLOW else [])
        for name, case in CAUSES.items()
    ],
)
def test_an_end_has_its_cause(launched, backend, argv, said, cause, words, retry):
    if said.get("driver") == "docker":
        said = {"image": backend.running.details["image"], **said}

    end, _, _ = launched(*argv, **said)

    assert end.cause.value == cause, end.sentence
    assert words in end.sentence
    assert retry is None or end.retry is retry


@pytest.mark.faults
def test_a_job_that_somebody_stops_is_not_tried_again(launched, client):
    import threading

    name = []
    real = client.register

    def register(job):
        name.append(job["ID"])
        threading.Timer(2, client.deregister, [job["ID"]]).start()
        return real(job)

    client.register = register
    end, _, _ = launched("sleep", "60")

    assert (end.cause.value, end.retry) == ("stopped", False)


@pytest.mark.faults
def test_a_namespace_that_is_not_there_is_said_at_once(connected, job_of):
    from metaflow_extensions.nomad.errors import NomadError

    job, _ = job_of("true", namespace="nowhere")

    with pytest.raises(NomadError, match="nonexistent namespace"):
        connected("nowhere").register(job)


@pytest.mark.smoke
def test_check_passes_where_steps_can_run(environment, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "metaflow.cmd.main_cli", "nomad", "check"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    lines = [line for line in done.stdout.splitlines() if line.startswith(("pass", "FAIL"))]
    assert [line for line in lines if line.startswith("FAIL")] == []
    assert "pass  in the job: claims" in lines
    assert done.returncode == 0


def test_check_names_what_is_missing(environment, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "metaflow.cmd.main_cli", "nomad", "check", "--driver", "podman"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "without the driver" in done.stdout
