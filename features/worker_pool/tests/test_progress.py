"""What a pool shows while it works, and what it writes for machines."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from metaflow_extensions.worker_pool.progress import events
from metaflow_extensions.worker_pool.progress.counts import Counts

FLOW = """
    @step
    def start(self):
        self.items = list(range(6))
        self.next(self.work, foreach="items")

    @worker_pool(size=1, max_items_per_worker=3)
    @retry(times=1, minutes_between_retries=0)
    @step
    def work(self):
        import os, time
        print("said by", self.input)
        time.sleep(0.3)
        if self.input == 1 and current.retry_count == 0: os._exit(7)
        os.environ["LEFT"] = "x"
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass
"""


def test_the_event_file_says_all_that_happened_as_its_schema_says(written, flow_run):
    ran = flow_run(written(FLOW), "--max-workers", "1")
    schema = json.loads(Path(events.SCHEMA).read_text())

    told = ran.events("work")

    for event in told:
        jsonschema.validate(event, schema)
    states = [event["state"] for event in told if event["event"] == "item"]
    assert {state: states.count(state) for state in states} == {
        "taken": 7, "finished": 6, "failed": 1,
    }  # fmt: skip
    assert {e["state"] for e in told if e["event"] == "worker"} == {"started", "died", "recycled"}
    assert [e["event"] for e in (told[0], told[-1])] == ["pool", "end"]
    assert told[-1]["done"] == 6
    assert any(event["event"] == "left" for event in told)


def test_events_can_go_elsewhere_or_nowhere(written, flow_run, tmp_path):
    file, folder = written(FLOW), tmp_path / "events"

    flow_run(file, "--max-workers", "1", METAFLOW_WORKER_POOL_EVENTS=str(folder))
    none = flow_run(file, "--max-workers", "1", METAFLOW_WORKER_POOL_EVENTS="0")

    assert len(list(folder.glob("Made/*/work.jsonl"))) == 1
    assert not (none.run / "_worker_pool").exists()


def test_in_a_pipe_a_plain_line_comes_now_and_then_beside_metaflows(written, flow_run):
    ran = flow_run(written(FLOW), "--max-workers", "1", METAFLOW_WORKER_POOL_PROGRESS="0.2")

    lines = re.findall(r"@worker_pool work: \d of 6 done.*", ran.out)
    assert len(lines) > 3
    assert any("1 failed, 1 retried" in line for line in lines)
    assert "\r" not in ran.out
    assert ran.out.count("Task finished successfully") == 9


def test_on_a_terminal_one_line_stands_for_the_routine_of_all_items(written, run_at, tmp_path):
    reading, writing = pty.openpty()
    argv = [sys.executable, str(written(FLOW)), "--no-pylint", "run", "--max-workers", "1"]
    env = run_at.environment(tmp_path)
    with subprocess.Popen(argv, cwd=tmp_path, env=env, stdout=writing, stderr=writing) as process:
        os.close(writing)
        said = b""
        while piece := read(reading):
            said += piece
    text = re.sub(r"\x1b\[[0-9;]*m", "", said.decode())

    assert process.returncode == 0
    assert text.count("said by") == 7
    assert "\r\x1b[K@worker_pool work: 6 of 6 done" in text
    assert text.count("Task is starting") == 3
    assert "Task failed." in text


def read(descriptor):
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # how a terminal says that its other end is gone
        return b""


LINES = {
    "nothing known": (Counts("work"), "@worker_pool work: 0 done, 0 running"),
    "some": (Counts("work", 10, 3, 2), "@worker_pool work: 3 of 10 done, 2 running"),
    "trouble": (
        Counts("work", 10, 3, 2, 1, 1, 4),
        "@worker_pool work: 3 of 10 done, 2 running, 1 failed, 1 retried, 4 recycled",
    ),
}


@pytest.mark.parametrize(("counts", "line"), LINES.values(), ids=LINES)
def test_a_line_says_what_there_is_to_say(counts, line):
    assert counts.line(0.0) == line


def test_the_rate_is_that_of_the_last_seconds_and_tells_what_is_left():
    counts = Counts("work", total=100, running=40)
    for number in range(21):
        counts.ended(0, number / 2)

    assert counts.rate(10.0) == 2.0
    assert counts.line(10.0).endswith("2 items/s, 40 s left")
