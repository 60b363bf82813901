"""A task's output: the tail that is carried, and the digest of all of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.flow.outcome import Output
from pytest_metaflow_backends.flow.tails import tail

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What Metaflow's launchers write into a task's log around the user's output
# (runtime.py, metaflow_environment.py, mflog, plugins/kubernetes; 2.19.39).
_METAFLOW_LINES = re.compile(
    rb"Task failed\.|Task failed with a segmentation fault\.|\[KILLED BY ORCHESTRATOR\]"
    rb"|Setting up task environment\.|Downloading code package\.\.\.|Code package downloaded\."
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} Step \w+ timed out after .*"
    rb"|(?:\[(?:pod|job|jobset) [^\]]+\] )?"
    rb"(?:Task is starting(?: \(.*\))?\.+|Task finished with exit code -?\d+\.)"
    rb"|\[[0-9a-f]{8}\] Task is (?:starting|running) on \S+(?:: .*)?"  # @nomad, of this tree
)
# Metaflow quotes stacks of its own errors with ">".
_TRACEBACK_PATH = re.compile(rb'^(>?\s*File ")[^"]*?([^"/\\]+)(", line \d+)')


@dataclass(frozen=True)
class Logged:
    """One stream of one attempt."""

    tail: str
    all: Output


def logged(datastore: Any, stream: str, tail_lines: int) -> Logged:  # noqa: ANN401
    """Read a stream of the latest attempt from the task's datastore."""
    from metaflow.mflog import LOG_SOURCES, mflog

    merge: Any = mflog.merge_logs
    blobs = [blob for _, blob in datastore.load_logs(LOG_SOURCES, stream) if blob]
    lines = [line.msg.rstrip(b"\r\n") for line in merge(blobs)]
    # What a launcher said helps where a task failed, and there it is in its standard error.
    shown = lines if stream == "stderr" else [line for line in lines if not launchers(line)]
    return Logged(tail(shown, tail_lines), measured(lines))


def measured(lines: Iterable[bytes]) -> Output:
    """Count and digest the user's lines."""
    digest, count = hashlib.blake2b(digest_size=16), 0
    for line in user_lines(lines):
        digest.update(line + b"\n")
        count += 1
    return Output(count, digest.hexdigest())


def launchers(line: bytes) -> bool:
    """Tell whether Metaflow wrote a line, around what the user's code wrote."""
    return _METAFLOW_LINES.fullmatch(line) is not None


def user_lines(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Drop what Metaflow wrote; keep of a traceback's paths only the file name."""
    for line in lines:
        if not launchers(line):
            yield _TRACEBACK_PATH.sub(rb"\1\2\3", line)
