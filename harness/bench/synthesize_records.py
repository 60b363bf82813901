"""Write records as a large run would have: seeded, so that two calls give the same bytes.

    python synthesize_records.py FOLDER --rows 20000 --columns 5

One session per column, as in CI. Of the results 1 % fail (in 40 ways, with tracebacks of about
1.5 KB), a few are flaky, skipped or expected failures.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("local", "nomad", "nomad/exec", "k8s", "k8s/kind", "argo", "docker", "gramine")
REASONS = 40
PLAN_LINE = 500
TRACE = '    File "flow.py", line {n}, in step_{n}\n        self.total = sum(self.inputs[{n}])\n'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--columns", type=int, default=5)
    parser.add_argument("--failing", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    write(options.folder, options.rows, options.columns, options.failing, options.seed)


def write(folder: Path, rows: int, columns: int, failing: float = 0.01, seed: int = 1) -> None:
    """Write one session file per column into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, column in enumerate(NAMES[:columns]):
        rng = random.Random(f"{seed}/{column}")
        path = folder / f"session-{number}.jsonl"
        with path.open("w", encoding="ascii") as stream:
            for record in _session(number, column, rows, failing, rng):
                stream.write(json.dumps(record) + "\n")


def _session(
    number: int, column: str, rows: int, failing: float, rng: random.Random
) -> Iterator[dict[str, Any]]:
    backend, _, variant = column.partition("/")
    place = {"backend": backend, **({"variant": variant} if variant else {})}
    yield {
        "kind": "session",
        "id": f"session-{number}",
        "started": 1.7e9 + number,
        "columns": [column],
        "context": "ci",
        "python": "3.11.7",
        "v": 1,
        "ci": {"provider": "github", "job": f"test-{number}", "attempt": "1"},
    }
    yield {"kind": "backend", **place, "state": "up", "seconds": 4.2, "provider": "embedded"}
    for start in range(0, rows, PLAN_LINE):
        tests = [_names(row, column) for row in range(start, min(start + PLAN_LINE, rows))]
        yield {"kind": "plan", "tests": tests, **place}
    counts: dict[str, int] = {}
    for row in range(rows):
        nodeid, key = _names(row, column)
        yield {"kind": "running", "id": nodeid}
        result = _result(row, failing, rng)
        counts[result["outcome"]] = counts.get(result["outcome"], 0) + 1
        yield {"kind": "result", "id": nodeid, "key": key, **place, **result}
    yield {"kind": "finish", "exitstatus": int("failed" in counts), "counts": counts}


def _names(row: int, column: str) -> tuple[str, str]:
    file = f"tests/conformance/area_{row // 500:03}/test_flows_{row // 50 % 10}.py"
    name = f"{file}::test_the_flow_leaves_the_same_artifacts"
    return f"{name}[{column}-{row}]", f"{name}[{row}]"


def _result(row: int, failing: float, rng: random.Random) -> dict[str, Any]:
    file = f"tests/conformance/area_{row // 500:03}/test_flows_{row // 50 % 10}.py"
    clean = {
        "outcome": "passed",
        "seconds": round(rng.expovariate(2), 6),
        "file": file,
        "line": 10 + row % 50 * 7,
        "worker": f"gw{row % 2}",
    }
    dice = rng.random()
    if dice < failing:
        return {
            **clean,
            "outcome": "failed",
            "cause": "test",
            "attempts": [_failure(rng)],
            "runs": [
                {
                    "pathspec": f"Flow/{row}",
                    "status": "failed",
                    "tasks": [
                        {"pathspec": f"Flow/{row}/join/3", "status": "failed", "stderr": "boom\n"}
                    ],
                }
            ],
        }
    if dice < failing + 0.001:
        return {
            **clean,
            "attempts": [
                _failure(rng),
                {"n": 2, "phase": "call", "outcome": "passed", "seconds": 0.1},
            ],
        }
    if dice < failing + 0.006:
        return {
            **clean,
            "outcome": "skipped",
            "skip_kind": "capability",
            "skip_reason": "needs gpu, which this column does not declare",
        }
    return clean


def _failure(rng: random.Random) -> dict[str, Any]:
    reason = rng.randrange(REASONS)
    return {
        "n": 1,
        "phase": "call",
        "outcome": "failed",
        "seconds": 0.2,
        "type": "AssertionError",
        "message": f"assert {reason} == {reason + 1}\n  where {reason} = total",
        "fingerprint": f"{reason:02x}{rng.randrange(4)}",
        "cause": "test",
        "details": "".join(TRACE.format(n=n + reason) for n in range(18)),
    }


if __name__ == "__main__":
    main()
