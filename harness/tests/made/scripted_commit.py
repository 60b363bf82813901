"""A scripted commit: its matrix, its events, and the record files of its jobs."""

from __future__ import annotations

import json

import record_lines as lines

HEAD = "a" * 40
MATRIX = """
version: 1
backends:
  fake: {kind: fake, required: true}
  other: {kind: fake, required: [ci], default: false}
  elsewhere: {kind: fake, default: false}
select:
  rules: [{paths: ["docs/**"], backends: []}, {paths: ["src/**"], backends: [fake]}]
"""
OURS, THEIRS = {"full_name": "o/r"}, {"full_name": "someone/r"}
PULL = {
    "number": 5,
    "pull_request": {
        "head": {"sha": HEAD, "repo": OURS},
        "base": {"sha": "b" * 40, "repo": OURS},
        "labels": [],
    },
}
ENDED = {
    "workflow_run": {
        "id": 7,
        "run_attempt": 1,
        "head_sha": HEAD,
        "html_url": "https://github.com/o/r/actions/runs/7",
        "repository": OURS,
        "head_repository": THEIRS,
        "head_branch": "fix",
        "event": "pull_request",
        "conclusion": "success",
        "pull_requests": [],
    }
}


def records(column, *outcomes, run="7", attempt="1"):
    """The file of one session of one job."""
    ci = {"provider": "github", "job": column, "run": run, "attempt": attempt}
    tests = [f"t.py::test_{n}" for n in range(len(outcomes))]
    where = {"backend": column}
    results = [
        {
            "kind": "result",
            "id": f"{test}[{column}]",
            "key": test,
            "outcome": outcome,
            "file": "t.py",
            "line": 3,
            "attempts": [lines.attempt(outcome)] if outcome != "passed" else [],
            **where,
        }
        for test, outcome in zip(tests, outcomes, strict=True)
    ]
    plan = {"kind": "plan", "tests": [[r["id"], r["key"]] for r in results], **where}
    red = any(outcome != "passed" for outcome in outcomes)
    session = lines.session(f"s-{column}-{attempt}", [column], float(attempt), ci=ci)
    written = [session, plan, *results, lines.finish(int(red))]
    return "".join(json.dumps(line) + "\n" for line in written).encode()


def conclusions(server):
    return {run["name"]: run["conclusion"] for run in server.runs.values()}
