"""The lines of record files as dicts, and files of them."""

from __future__ import annotations

import json

PLACE = {
    "local": {"backend": "local"},
    "k8s": {"backend": "k8s"},
    "nomad/exec": {"backend": "nomad", "variant": "exec"},
    "": {},
}


def session(name="s1", columns=("local",), started=1.0, **more):
    return {
        "kind": "session",
        "id": name,
        "started": started,
        "columns": list(columns),
        "v": 1,
        **more,
    }


def part(name="s1", worker="gw0"):
    return {"kind": "part", "session": name, "worker": worker}


def nodeid(test, column="local"):
    """The node id that the plugin gives a test of a column."""
    return f"t.py::test_{test}[{column}]" if column else f"t.py::test_{test}"


def key(test):
    return f"t.py::test_{test}"


def plan(*tests, column="local"):
    return {"kind": "plan", "tests": [[nodeid(t, column), key(t)] for t in tests], **PLACE[column]}


def running(test, column="local"):
    return {"kind": "running", "id": nodeid(test, column)}


def result(test, outcome="passed", column="local", **more):
    line = {
        "kind": "result",
        "id": nodeid(test, column),
        "key": key(test),
        "outcome": outcome,
        "seconds": 0.5,
        "file": "t.py",
        "line": 7,
        **PLACE[column],
    }
    if outcome in {"failed", "error", "timeout", "crashed"}:
        line["attempts"] = [attempt(outcome)]
    return {**line, **more}


def attempt(outcome="failed", n=1, **more):
    return {
        "n": n,
        "phase": "call",
        "outcome": outcome,
        "type": "AssertionError",
        "message": "assert 1 == 2",
        "fingerprint": "f1",
        "details": "Traceback: no",
        **more,
    }


def event(state, column="k8s", **more):
    return {"kind": "backend", "state": state, **PLACE[column], **more}


def finish(exitstatus=0, **counts):
    return {"kind": "finish", "exitstatus": exitstatus, "counts": counts}


def write(path, *lines):
    """Write a record file; bytes and text go in as they are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        for line in lines:
            raw = json.dumps(line) + "\n" if isinstance(line, dict) else line
            stream.write(raw if isinstance(raw, bytes) else raw.encode("ascii"))
    return path
