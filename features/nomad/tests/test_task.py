"""What happens in the task: the claim, and the end of what nobody waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest
from metaflow_extensions.nomad.task import claim, objects, orphan, reporting


class Memory:
    """Objects of one process."""

    def __init__(self):
        self.there = {}
        self.lock = threading.Lock()

    def create(self, path, data):
        with self.lock:
            return self.there.setdefault(path, data) is data

    def write(self, path, data):
        self.there[path] = data

    def read(self, path):
        return self.there.get(path)


def test_the_first_allocation_gets_the_attempt():
    there = Memory()

    assert claim.holder(there, "F/1/s/1/0.nomad_claim", "a") == "a"
    assert claim.holder(there, "F/1/s/1/0.nomad_claim", "b") == "a"
    assert claim.holder(there, "F/1/s/1/1.nomad_claim", "b") == "b"


def test_a_claim_that_is_asked_for_again_is_still_ours():
    there = Memory()
    claim.holder(there, "p", "a")

    assert claim.holder(there, "p", "a") == "a"


@pytest.fixture
def task(monkeypatch):
    there = Memory()
    monkeypatch.setattr(objects, "here", lambda: there)
    monkeypatch.setenv("MF_PATHSPEC", "F/1/s/1")
    monkeypatch.setenv("MF_ATTEMPT", "0")
    monkeypatch.setenv("NOMAD_ALLOC_ID", "ours")
    return there


def test_a_replacement_ends_with_a_code_of_its_own_and_writes_nothing(task, capsys):
    task.write(claim.path("F/1/s/1", 0), b"first")

    assert claim.main() == claim.TAKEN

    assert "belongs to first; allocation ours" in capsys.readouterr().err
    assert list(task.there.values()) == [b"first"]


def test_a_claim_holds_the_allocation(task):
    assert claim.main() == 0
    (held,) = task.there.values()
    assert held.startswith(b"ours ")


def test_an_allocation_that_is_started_again_is_another(task):  # noqa: ARG001 - is its store
    assert claim.main() == 0
    assert claim.main() == claim.TAKEN


def test_where_there_is_no_allocation_nothing_is_claimed(task, monkeypatch):
    monkeypatch.delenv("NOMAD_ALLOC_ID")

    assert claim.main() == 0
    assert task.there == {}


def test_a_new_word_is_life_and_its_absence_the_end():
    watch = orphan.Watch(limit=60)

    assert not watch.orphaned(b"1", 0)
    assert not watch.orphaned(b"1", 60)
    assert not watch.orphaned(b"2", 61)
    assert not watch.orphaned(b"2", 121)
    assert watch.orphaned(b"2", 122)


def test_a_launcher_that_never_spoke_may_speak_elsewhere():
    watch = orphan.Watch(limit=60)

    assert not watch.orphaned(None, 0)
    assert not watch.orphaned(None, 61)


def test_a_task_is_ended_once_its_launcher_is_silent():
    there, ended = Memory(), threading.Event()
    launcher = orphan.Launcher(lambda: there, "p", limit=0.3)
    launcher.start()
    guard = orphan.guard(there, "p", 0.3, ended.set)

    assert not ended.wait(0.6)
    launcher.stop()
    assert ended.wait(5)
    guard.join(5)
    assert not guard.is_alive()


def test_a_store_that_cannot_be_read_says_nothing_of_the_launcher():
    class Away(Memory):
        def read(self, path):
            raise OSError

    ended = threading.Event()
    orphan.guard(Away(), "p", 0.1, ended.set)

    assert not ended.wait(0.5)


def test_a_task_ends_itself():
    code = "from metaflow_extensions.nomad.task import orphan; orphan.end_task()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == -15
    assert "nobody waits for this task any more" in done.stderr


def test_only_a_task_of_ours_is_on_nomad():
    assert not reporting.on_nomad({"NOMAD_ALLOC_ID": "x"})
    assert reporting.on_nomad({"METAFLOW_NOMAD_WORKLOAD": "1"})


def test_a_task_claims_before_metaflow_is_asked_for_anything(tmp_path):
    """The module starts without Metaflow: a replacement ends soon."""
    code = (
        "import sys; from metaflow_extensions.nomad.task import claim; "
        "print([name for name in sys.modules if name.split('.')[0] == 'metaflow'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True,
        env={**os.environ, "METAFLOW_HOME": str(tmp_path)},
    )  # fmt: skip

    assert found.stdout.strip() == "[]"


STUCK = """
import signal, sys, time
import metaflow
from metaflow_extensions.nomad.task import limit
limit.GRACE, limit.LAST = 0.0, 0.3
signal.signal(signal.SIGTERM, signal.SIG_IGN if sys.argv[2] == "deaf" else signal.SIG_DFL)
watch = limit.Limit(float(sys.argv[1]))
if sys.argv[2] == "done":
    watch.lift()
    print("lifted")
else:
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("kind", "code"), [("stuck", -signal.SIGTERM), ("deaf", -signal.SIGKILL), ("done", 0)]
)
def test_a_step_past_its_limit_is_killed_and_the_reason_left(tmp_path, kind, code):
    mark = tmp_path / "late"
    seconds = "30" if kind == "done" else "0.5"

    done = subprocess.run(
        [sys.executable, "-c", STUCK, seconds, kind], capture_output=True, timeout=50, check=False,
        env={**os.environ, "METAFLOW_NOMAD_LATE": str(mark)},
    )  # fmt: skip

    assert done.returncode == code
    assert mark.exists() is (kind != "done")
