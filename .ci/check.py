"""Run the parts of a tier one after the other, time them, and end with the one verdict.

Usage: check.py test | test-full | soak | lint | docs | bench

Every part runs even if an earlier one is red, so that one run shows all there is to mend. The
last line counts tests: `N passed, N failed`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
REPORT = ROOT / "report"
RECORDS = REPORT / "records"
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
BACKENDS = (sys.executable, "-m", "pytest_metaflow_backends")
UNITS = ("harness/tests", "backends/tests", *map(str, sorted(ROOT.glob("features/*/tests"))))
SUITE = "harness/conformance"
GENERATED = sorted((ROOT / "docs" / "_generate").glob("*_reference.py"))

Commands = list[tuple[str, ...]]


def lint() -> Commands:
    workflows = sorted(map(str, (ROOT / ".github").glob("workflows/*.yml")))
    return [
        (str(BIN / "ruff"), "check", "--quiet", "."),
        (str(BIN / "ruff"), "format", "--quiet", "--check", "."),
        (str(BIN / "mypy"),),
        (str(BIN / "zizmor"), "--offline", "--quiet", *workflows),
        (str(BIN / "actionlint"), *workflows),
    ]


def docs() -> Commands:
    stale = [(sys.executable, str(script), "--check") for script in GENERATED]
    build = (sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--clean")
    return [*stale, build]


def units(*extra: str) -> Commands:
    return [(*PYTEST, "-n", "2", f"--metaflow-records={RECORDS}", *extra, *UNITS)]


def conformance(columns: str, *, mark: str = "", append: bool = False) -> Commands:
    options = (*(("--mark", mark) if mark else ()), *(("--append",) if append else ()))
    return [(*BACKENDS, "run", "-b", columns, "--require", *options, "--", "-q", SUITE)]


def report(columns: str) -> Commands:
    return [(*BACKENDS, "report", str(RECORDS), "--expect", columns, "--title", "metaflow-extras")]


def benches() -> Commands:
    scripts = sorted([*ROOT.glob("*/bench/*.py"), *ROOT.glob("features/*/bench/*.py")])
    return [(sys.executable, str(s)) for s in scripts if not s.name.startswith("synthesize")]


TIERS: dict[str, dict[str, Commands]] = {
    "lint": {"lint": lint()},
    "docs": {"docs": docs()},
    "bench": {"bench": benches()},
    "test": {
        "lint": lint(),
        "docs": docs(),
        "conformance": conformance("local", mark="not slow"),
        "conformance of variants": conformance("local/serial", mark="smoke", append=True),
        "units": units("-m", "not slow"),
        "report": report("local,local/serial"),
        "budgets": [(sys.executable, ".ci/budget.py", str(REPORT / "report.json"))],
    },
    "test-full": {
        "lint": lint(),
        "docs": docs(),
        "conformance": conformance("local,local/serial"),
        "units": units(),
        "report": report("local,local/serial"),
    },
    "soak": {
        "lifecycle": [(sys.executable, "harness/bench/lifecycle.py")],
        "kills": [(*PYTEST, "harness/tests/test_kills.py", "harness/tests/lifecycle")] * 3,
    },
}


def run(commands: Commands) -> bool:
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "true"}
    codes = [
        subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        for command in commands
    ]
    return not any(codes)


def main(tier: str) -> int:
    red = []
    for name, commands in TIERS[tier].items():
        print(f"--- {name}", flush=True)
        began = time.monotonic()
        green = run(commands)
        took = time.monotonic() - began
        print(f"--- {name}: {'ok' if green else 'FAILED'} after {took:.0f} s", flush=True)
        if not green:
            red.append(name)
    if tier.startswith("test"):
        passed, failed = counts()
        print(f"{passed} passed, {failed + bool(red and not failed)} failed")
    if red:
        print(f"failed: {', '.join(red)}", file=sys.stderr)
    return 1 if red else 0


def counts() -> tuple[int, int]:
    """Count tests in the report that this very run wrote."""
    try:
        data = json.loads((REPORT / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0, 1
    states: dict[str, int] = {}
    for column in data["verdict"]["columns"]:
        for state, number in column["counts"].items():
            states[state] = states.get(state, 0) + number
    passed = sum(n for state, n in states.items() if state in {"passed", "flaky", "xfailed"})
    return passed, sum(states.values()) - passed - states.get("skipped", 0)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in TIERS:  # noqa: PLR2004
        sys.exit(f"usage: check.py {' | '.join(TIERS)}")
    sys.exit(main(sys.argv[1]))
