"""One process of a run, for tests: does what its one argument (JSON) says and prints how it went.

Actions: reap, acquire, release, fail (report a failure), wait (for a line on stdin), calls (count
the function calls of an acquire), die:N (SIGKILL to itself at the Nth such call that follows).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from metaflow_backends import registry
from metaflow_backends.errors import BackendError
from metaflow_backends.identity import identify
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.lifecycle import Lifecycle
from pytest_metaflow_backends.matrix.model import Column, Retries

OURS = ("metaflow_backends", "pytest_metaflow_backends", "filelock", "subprocess", "tempfile")


def main(arguments: dict) -> None:
    owner = identify(arguments["owner"] or os.getpid())
    lifecycle = Lifecycle(
        Path(arguments["state"]),
        arguments["session"],
        owner,
        registry,
        lambda event: _tell(arguments["events"], event),
    )
    column = Column(
        backend="fake",
        variant=None,
        kind="fake",
        required=False,
        provides=None,
        timeout=60,
        start_timeout=20,
        retries=Retries(),
        options=arguments["options"],
    )
    for action in arguments["actions"]:
        sys.stdout.write(f"{action} {_answer(action, lifecycle, column)}\n")
        sys.stdout.flush()


def _answer(action: str, lifecycle: Lifecycle, column: Column) -> object:
    name, _, number = action.partition(":")
    actions = {
        "acquire": lambda: lifecycle.acquire(column).running.processes[0].pid,
        "reap": lambda: [item.column for item in lifecycle.reap()],
        "release": lifecycle.release_all,
        "fail": lambda: lifecycle.report_failure(column, "it hurts"),
        "wait": lambda: sys.stdin.readline().strip(),
        "calls": lambda: _count_calls(lambda: lifecycle.acquire(column)),
        "die": lambda: _die_at_call(int(number)),
    }
    try:
        return actions[name]()
    except (BackendError, UsageError) as error:
        return f"{type(error).__name__} {error}"


def _count_calls(work) -> int:
    """Count the calls of functions, ours and built in, that can be a point to die at."""
    seen = 0

    def count(frame, event, _argument) -> None:
        nonlocal seen
        seen += _is_point(frame, event)

    sys.setprofile(count)
    work()
    sys.setprofile(None)
    return seen


def _die_at_call(number: int) -> None:
    left = number

    def countdown(frame, event, _argument) -> None:
        nonlocal left
        left -= _is_point(frame, event)
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(countdown)


def _is_point(frame, event: str) -> bool:
    module = frame.f_globals.get("__name__", "").partition(".")[0]
    return event in {"call", "c_call"} and module in OURS


def _tell(path: str, event) -> None:
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(target, (json.dumps(asdict(event)) + "\n").encode())
    os.close(target)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
