"""Workers die, hang and are orphaned for real; the handle stays usable, and nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from metaflow_extensions.functions.errors import (
    CallTimeoutError,
    ClosedError,
    FunctionError,
    InputError,
    OutputError,
    WorkerDiedError,
)


def test_a_killed_worker_costs_its_call_and_the_next_one_works(opened):
    function = opened("acts")
    function({})

    began = time.monotonic()
    with pytest.raises(WorkerDiedError, match="killed by SIGKILL; the next call works"):
        function({"do": "die"})
    died = time.monotonic()
    assert function({})["pid"]

    assert died - began < 1
    assert time.monotonic() - died < 2


def test_a_killed_worker_is_missed_although_its_own_fork_lives_on(opened):
    function = opened("acts")

    began = time.monotonic()
    with pytest.raises(WorkerDiedError, match="killed by SIGKILL"):
        function({"do": "fork and die"})

    assert time.monotonic() - began < 10
    assert function({})["pid"]


@pytest.mark.parametrize("workers", [0, -1, "2", 1.5, True])
@pytest.mark.parametrize("backend", ["process", "ray"])
def test_a_number_of_workers_that_is_none_is_refused(bound, backend, workers):
    from metaflow import function_from_json

    with pytest.raises(FunctionError, match=f"workers={workers!r}: a whole number from 1 on"):
        function_from_json(bound("acts"), backend=backend, workers=workers).start()


def test_a_worker_that_is_killed_between_calls_costs_none(opened, eventually):
    function = opened("acts")
    before = function({})["pid"]

    os.kill(before, signal.SIGKILL)
    eventually(lambda: psutil.Process(before).status() == psutil.STATUS_ZOMBIE)
    after = function({})["pid"]

    assert after != before


def test_a_killed_zygote_is_replaced(opened):
    function = opened("acts")
    worker = psutil.Process(function({})["pid"])

    worker.parent().kill()
    still = function({})["pid"]
    with pytest.raises(WorkerDiedError):
        function({"do": "die"})
    after = function({})["pid"]

    assert still == worker.pid
    assert after != worker.pid


def test_a_call_that_takes_too_long_is_ended(opened, eventually):
    function = opened("acts")
    slow = function({})["pid"]

    began = time.monotonic()
    with pytest.raises(CallTimeoutError, match=r"longer than 0\.2 s"):
        function({"do": "sleep", "seconds": 60}, timeout=0.2)
    took = time.monotonic() - began

    assert took < 1
    assert function({}, timeout=30)["pid"] != slow
    eventually(lambda: not psutil.pid_exists(slow))


def test_no_worker_free_is_a_timeout_too(opened):
    function = opened("acts")
    function({})
    busy = threading.Thread(target=function, args=({"do": "sleep", "seconds": 1},))
    busy.start()
    time.sleep(0.2)

    with pytest.raises(CallTimeoutError, match="no worker was free"):
        function({}, timeout=0.05)
    busy.join()


def test_too_much_is_refused_in_both_directions_and_the_handle_stays_usable(opened):
    function = opened("acts", largest=1000)

    with pytest.raises(InputError, match="the record has 2011 bytes, 1000 are allowed"):
        function({"x": "y" * 2003})
    with pytest.raises(OutputError, match="the result has 2002 bytes, 1000 are allowed"):
        function({"do": "large", "size": 2000})

    assert function({})["pid"]


def test_large_records_come_whole(opened):
    function = opened("echo")
    record = {"text": "ä" * 5_000_000, "numbers": [n / 7 for n in range(100_000)]}

    assert function(record) == record


def test_threads_share_a_handle_and_its_workers(opened):
    function = opened("acts", workers=2)

    with ThreadPoolExecutor(8) as threads:
        pids = [row["pid"] for row in threads.map(function, [{}] * 400)]

    assert len(set(pids)) == 2


def test_a_closed_function_leaves_nothing_and_says_so(opened, eventually):
    before = psutil.Process().children(recursive=True)
    function = opened("acts", workers=2)
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(function, [{"do": "sleep", "seconds": 0.1}] * 2))
    ours = [one for one in psutil.Process().children(recursive=True) if one not in before]
    assert len(ours) == 3

    function.close()

    eventually(lambda: not any(one.is_running() for one in ours))
    with pytest.raises(ClosedError):
        function({})


def test_handles_of_one_function_are_forks_of_one_process_which_ends_with_the_last(
    opened, eventually
):
    """So a second handle is warm: it loads nothing."""
    first, second = opened("acts"), opened("acts")
    one, other = (psutil.Process(function({})["pid"]) for function in (first, second))
    zygote = one.parent()

    first.close()

    assert one.pid != other.pid
    assert other.parent() == zygote
    eventually(lambda: not one.is_running())
    assert second({})["pid"] == other.pid
    second.close()
    eventually(lambda: not zygote.is_running() and not other.is_running())


def test_closing_ends_a_call_that_runs(opened):
    function = opened("acts")
    function({})
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(function, {"do": "sleep", "seconds": 60})
        time.sleep(0.2)
        function.close()

        with pytest.raises(ClosedError, match="closed while the call ran"):
            running.result(5)


CALLER = """
import sys
from metaflow import function_from_json
function = function_from_json(sys.argv[1], workers=2)
print(function({"do": "child"}), flush=True)
print(function({})["pid"], flush=True)
function({"do": "spin", "seconds": 300})
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=str)
def test_nothing_outlives_a_caller_that_is_killed(bound, variables, number, eventually):
    """Not the zygote, not a worker that never lets go of the interpreter, not its children."""
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, bound("acts")], env=variables, stdout=subprocess.PIPE
    )
    assert caller.stdout
    child, worker = int(caller.stdout.readline()), int(caller.stdout.readline())
    family = psutil.Process(caller.pid).children(recursive=True)
    assert {child, worker} <= {one.pid for one in family}
    shared = set(Path("/dev/shm").iterdir())

    caller.send_signal(number)
    caller.wait()
    caller.stdout.close()

    eventually(lambda: not any(_lives(one) for one in family), 2)
    assert set(Path("/dev/shm").iterdir()) <= shared


def _lives(process):
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_fork_of_the_caller_gets_workers_of_its_own(opened):
    function = opened("acts")
    before = function({})["pid"]
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(writing, str(function({})["pid"]).encode())
        function.close()
        os._exit(0)
    os.waitpid(child, 0)

    assert int(os.read(reading, 20)) != before
    assert function({})["pid"] == before
    os.close(reading)
    os.close(writing)


def test_a_fork_that_closes_the_function_harms_nobody(opened):
    function = opened("acts")
    before = function({})["pid"]

    child = os.fork()
    if child == 0:
        function.close()
        os._exit(0)
    os.waitpid(child, 0)

    assert function({})["pid"] == before


def test_a_large_record_to_a_worker_that_reads_none_is_over_in_time(opened, eventually):
    function = opened("acts")
    worker = psutil.Process(function({})["pid"])
    worker.suspend()

    with pytest.raises(CallTimeoutError):
        function({"x": "y" * 5_000_000}, timeout=0.3)

    assert function({})["pid"] != worker.pid
    eventually(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)


def test_without_forks_every_worker_loads_the_function_itself(opened, monkeypatch):
    monkeypatch.setenv("METAFLOW_FUNCTIONS_FORK", "0")
    function = opened("acts", workers=2)

    with ThreadPoolExecutor(2) as threads:
        rows = list(threads.map(function, [{"do": "sleep", "seconds": 0.3}] * 2))
    with pytest.raises(WorkerDiedError):
        function({"do": "die"})

    assert len({row["pid"] for row in rows}) == 2
    assert function({})["pid"]


def test_a_waiting_caller_uses_no_processor(opened):
    function = opened("acts")
    function({})

    began = time.process_time()
    function({"do": "sleep", "seconds": 1})

    assert time.process_time() - began < 0.05


@pytest.mark.parametrize("backend", ["local", "process"])
@pytest.mark.usefixtures("client")
def test_what_fails_while_loading_is_raised_and_leaves_nothing(
    task, tmp_path, monkeypatch, backend
):
    from metaflow import JsonFunction, function_from_json

    (tmp_path / "fragile.py").write_text(
        "import os\nfrom metaflow import json_function\n"
        "if os.environ.get('BROKEN'):\n    raise LookupError('not here')\n"
        "@json_function\ndef fine(data):\n    return data\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import fragile  # type: ignore[import-not-found]

    reference = JsonFunction(fragile.fine, task=task).reference
    monkeypatch.setenv("BROKEN", "1")
    before = psutil.Process().children(recursive=True)

    with pytest.raises(LookupError, match="not here"):
        function_from_json(reference, backend=backend)({})
    assert psutil.Process().children(recursive=True) == before
