"""Run the parts of a tier one after the other, time them, and end with the one verdict.

Usage: check.py test | test-full | units | soak | lint | docs | pages | bench

`units` runs the tests that the variable TESTS names, all of them if it is empty. `test-full` runs
what the variable ONLY names, words like `nomad units`, all of it if it is empty.

Every part runs even if an earlier one is red, so that one run shows all there is to mend. A
`test-full` that was cut off goes on where it was, if nothing has changed (progress.py). The
tiers that test leave report/timings.json (seconds of each part) and end with one line that counts,
`N passed, N failed`, also in report/closing.txt; a red part that is no test counts as one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
REPORT = ROOT / "report"
RECORDS = REPORT / "records"
RESULT = REPORT / "report.json"
# All that a run leaves: reports beside no report.json are others' files, and never replaced.
REPORTS = ("report.json", "index.html", "report.md", "junit.xml")
WRITTEN = (*REPORTS, "timings.json", "closing.txt")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
BACKENDS = (sys.executable, "-m", "pytest_metaflow_backends")
UNITS = ("harness/tests", "backends/tests", *map(str, sorted(ROOT.glob("features/*/tests"))))
ON_THE_MACHINE = tuple(f"backends/tests/{name}" for name in ("docker", "host", "k8s", "nomad"))
SUITE = "harness/conformance"
NO_UNITS = (sys.executable, "-c", "raise SystemExit('TESTS names no test that is no flow')")
CONTRACTS = tuple(
    str(path)
    for name in ("contract*", "workflows")
    for path in sorted(ROOT.glob(f"backends/tests/*/test_{name}.py"))
) + tuple(str(path) for path in sorted(ROOT.glob("features/*/tests/test_contract*.py")))
# Up for a whole run, each with what it needs: a store, Argo Workflows, a metadata service.
DEVSTACK = ("docker", "nomad", "k8s")
# Hours, on two cores; a part for each file of flows.
FULL = ("local", "local/pooled", "s3", "nomad", "k8s", "argo")
FLOWS = tuple(sorted((ROOT / "harness/conformance").glob("test_*.py")))
SMOKE = "local/serial,local/pooled,s3,k8s,argo"
HELD = "docker,nomad,k8s,argo"  # to a contract, through their own API
HELD_VARIANTS = "nomad/acl,nomad/tls"
FAULTY = "nomad/raw_exec"  # where steps and tests see the same files, and can count what began
FAULTS = tuple(str(path) for path in sorted(ROOT.glob("features/*/tests/test_contract_*.py")))
OTHER_WAYS = "k8s/kind,argo/kind"  # the same backends, come by otherwise
SMOKE_OF_VARIANTS = f"local/serial,nomad/exec,nomad/raw_exec,{OTHER_WAYS}"
FULL_VARIANTS = f"{HELD_VARIANTS},{FAULTY},nomad/exec,nomad/gpu,nomad/multi,{OTHER_WAYS}"
FULL_PARTS = [(f"{file.stem} on {column}", column, file) for column in FULL for file in FLOWS]
NO_BACKEND = "units"  # what is no backend's, in ONLY
PAGES = ROOT / "docs" / "_generate"
HELPERS = ("synthesize", "soak")  # in bench/, and no benches: records are made, a tier is run
FROM_CODE = sorted(PAGES.glob("*_reference.py"))
FROM_RESULTS = (PAGES / "capabilities_table.py", PAGES / "readme_grid.py")
# Parts whose failures are tests in the report, and so counted there.
OF_TESTS = frozenset(
    {"conformance", "smoke flows", "contracts", "contracts of variants", "faults", "units"}
    | {"report", *(name for name, *_ in FULL_PARTS)}
)
LONG = "test-full"  # goes on where it was cut off
EVERY_TIME = frozenset({"devstack up", "kind up", "devstack down", "report"})

Commands = list[tuple[str, ...]]


def lint() -> Commands:
    workflows = sorted(map(str, (ROOT / ".github").glob("workflows/*.yml")))
    return [
        (str(BIN / "ruff"), "check", "--quiet", "."),
        (str(BIN / "ruff"), "format", "--quiet", "--check", "."),
        (str(BIN / "mypy"), "--no-error-summary"),
        (str(BIN / "zizmor"), "--offline", "--quiet", "--no-progress", *workflows),
        (str(BIN / "actionlint"), *workflows),
    ]


def docs() -> Commands:
    stale = [(sys.executable, str(script), "--check") for script in FROM_CODE]
    build = (sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--clean")
    return [*stale, build]


def of_results(*extra: str) -> Commands:
    return [(sys.executable, str(script), str(RESULT), *extra) for script in FROM_RESULTS]


def units(*extra: str, tests: Sequence[str] = ()) -> Commands:
    """Run what needs no backend; what counts or fills the machine goes last, one by one."""
    records = f"--metaflow-records={RECORDS}"
    if tests:
        named = [test for test in tests if not test.startswith(SUITE)]
        return [(*PYTEST, records, *extra, *named) if named else NO_UNITS]
    elsewhere = [f"--ignore={folder}" for folder in ON_THE_MACHINE]
    return [
        (*PYTEST, "-n", "2", records, *extra, *elsewhere, *UNITS),
        (*PYTEST, records, *extra, *ON_THE_MACHINE),
    ]


def conformance(
    columns: str, suite: str = SUITE, *, mark: str = "", append: bool = False, probe: bool = False
) -> Commands:
    """Run flows on columns; `probe` also runs what a column does not claim to be able to do."""
    undeclared = ("--metaflow-probe-undeclared",) if probe else ()
    return matrix(columns, (*undeclared, suite), mark=mark, append=append)


def contracts(columns: str, *, mark: str) -> Commands:
    """Run what every backend promises of itself, through its own API."""
    return matrix(columns, CONTRACTS, mark=mark, append=True)


def matrix(columns: str, tests: tuple[str, ...], *, mark: str, append: bool) -> Commands:
    options = (*(("--mark", mark) if mark else ()), *(("--append",) if append else ()))
    return [(*BACKENDS, "run", "-b", columns, "--require", *options, "--", "-q", *tests)]


def devstack_up() -> Commands:
    return [(*BACKENDS, "up", "--install", "--verbose", *DEVSTACK)]


def devstack_down() -> Commands:
    return [(*BACKENDS, "down")]


def report(columns: str) -> Commands:
    return [(*BACKENDS, "report", str(RECORDS), "--expect", columns, "--title", "metaflow-extras")]


def benches() -> Commands:
    scripts = sorted([*ROOT.glob("*/bench/*.py"), *ROOT.glob("features/*/bench/*.py")])
    return [(sys.executable, str(s)) for s in scripts if not s.name.startswith(HELPERS)]


def columns_of(backends: Sequence[str], columns: str) -> str:
    """Leave the columns of some backends; if none is named, all."""
    return ",".join(c for c in columns.split(",") if not backends or c.split("/")[0] in backends)


def long_tier(only: Sequence[str] = ()) -> dict[str, Commands]:
    """Build the long tier, or the parts of it that belong to some backends, and to none."""
    smoke = columns_of(only, f"local/serial,nomad/raw_exec,{OTHER_WAYS}")
    held = columns_of(only, f"{HELD},{FULL_VARIANTS}")
    expected = columns_of(only, f"local,{SMOKE},docker,nomad,{FULL_VARIANTS}")
    kind = [(*BACKENDS, "up", "--install", "--verbose", "k8s/kind")]
    flows = {
        name: conformance(column, str(file), append=True, probe=True)
        for name, column, file in FULL_PARTS
        if columns_of(only, column)
    }
    return {
        "lint": lint(),
        "docs": docs(),
        "devstack up": devstack_up(),
        **flows,
        **({"kind up": kind} if columns_of(only, OTHER_WAYS) else {}),
        **({"smoke flows": conformance(smoke, mark="smoke", append=True)} if smoke else {}),
        **({"contracts": contracts(held, mark="")} if held else {}),
        "devstack down": devstack_down(),
        **({"units": units()} if not only or NO_BACKEND in only else {}),
        "report": report(expected),
    }


TIERS: dict[str, dict[str, Commands]] = {
    "lint": {"lint": lint()},
    "docs": {"docs": docs()},
    "pages": {"pages": [*((sys.executable, str(s)) for s in FROM_CODE), *of_results()]},
    "bench": {"bench": benches()},
    "test": {
        "lint": lint(),
        "docs": docs(),
        "conformance": conformance("local", mark="not slow"),
        "devstack up": devstack_up(),  # not before: a cluster is never idle
        "smoke flows": conformance(SMOKE, mark="smoke", append=True),
        "contracts": contracts(HELD, mark="not slow"),
        "contracts of variants": contracts(HELD_VARIANTS, mark="smoke"),
        "faults": matrix(FAULTY, FAULTS, mark="smoke", append=True),  # one of each kind
        "devstack down": devstack_down(),
        "units": units("-m", "not slow"),
        "report": report(f"local,{SMOKE},docker,nomad,{HELD_VARIANTS},{FAULTY}"),
        "documents of results": of_results("--check"),
        "budgets": [(sys.executable, ".ci/budget.py", str(REPORT))],
    },
    "test-full": long_tier(os.environ.get("ONLY", "").split()),
    "units": {"units": units("-m", "not slow", tests=os.environ.get("TESTS", "").split())},
    "soak": {
        "devstack": [(sys.executable, "backends/bench/soak.py")],
        "lifecycle": [(sys.executable, "harness/bench/lifecycle.py")],
        "kills": [(*PYTEST, "harness/tests/test_kills.py", "harness/tests/lifecycle")] * 3,
        "worker pools": [(*PYTEST, "-m", "slow", "features/worker_pool/tests")],
    },
}


def run(commands: Commands) -> bool:
    """Run all commands of a part; True if none was red."""
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "true"}
    codes = [
        subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        for command in commands
    ]
    return not any(codes)


def run_parts(
    parts: dict[str, Commands], timings: Path | None, progress: Progress | None = None
) -> list[str]:
    """Run what is not green yet, keep the seconds in `timings`, and name the parts that are red."""
    red, seconds = [], dict(progress.green) if progress else {}
    for name, commands in parts.items():
        if progress and name in progress.green and name not in EVERY_TIME:
            print(f"--- {name}: ok already, for this very tree", flush=True)
            continue
        print(f"--- {name}", flush=True)
        began = time.monotonic()
        if progress:
            progress.begin()
        green = run(commands)
        seconds[name] = round(time.monotonic() - began, 1)
        ended = "ok" if green else "FAILED"
        print(f"--- {name}: {ended} after {seconds[name]:.0f} s", flush=True)
        if not green:
            red.append(name)
        elif progress:
            progress.note(name, seconds[name])
        if timings:
            timings.parent.mkdir(exist_ok=True)
            timings.write_text(json.dumps(seconds), encoding="utf-8")
    return red


def main(tier: str) -> int:
    tests = tier.startswith("test")
    if tests:
        for name in WRITTEN:  # by an earlier run
            (REPORT / name).unlink(missing_ok=True)
    timings = REPORT / "timings.json" if tests else None
    progress = begun() if tier == LONG else None
    red = run_parts(TIERS[tier], timings, progress)
    if progress and not red:
        progress.end()
    if red:
        print(f"failed: {', '.join(red)}", file=sys.stderr, flush=True)
    if tests:
        line = closing(red)
        (REPORT / "closing.txt").write_text(f"{line}\n", encoding="utf-8")
        print(line)
    return 1 if red else 0


def begun() -> Progress:
    """Take up the long tier; records of another state, and of parts that go on, go first."""
    progress = Progress.of(REPORT / "progress.json", RECORDS, ROOT)
    if progress.green:
        progress.clear()
    else:
        shutil.rmtree(RECORDS, ignore_errors=True)
    return progress


def closing(red: list[str]) -> str:
    """Count tests, and red parts that are none, in the line that ends a run."""
    passed, failed = counts()
    failed += len(set(red) - OF_TESTS)
    return f"{passed} passed, {max(failed, int(bool(red)))} failed"


def counts() -> tuple[int, int]:
    """Count passed and failed tests in the report that this very run wrote; none is a failure."""
    try:
        data = json.loads((REPORT / RESULT.name).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0, 1
    states: dict[str, int] = {}
    for column in data["verdict"]["columns"]:
        for state, number in column["counts"].items():
            states[state] = states.get(state, 0) + number
    passed = sum(n for state, n in states.items() if state in {"passed", "flaky", "xfailed"})
    return passed, sum(states.values()) - passed - states.get("skipped", 0)


def unknown(only: Sequence[str]) -> str:
    """Say which names in ONLY belong to nothing: they would leave nothing to run, and green."""
    names = {column.split("/")[0] for column in (*FULL, *HELD.split(","))} | {NO_BACKEND}
    strange = [name for name in only if name not in names]
    listed = ", ".join(strange)
    return f"ONLY names what is none: {listed} (known: {', '.join(sorted(names))})" * bool(strange)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in TIERS:  # noqa: PLR2004
        sys.exit(f"usage: check.py {' | '.join(TIERS)}")
    if sys.argv[1] == LONG and (mistake := unknown(os.environ.get("ONLY", "").split())):
        sys.exit(mistake)
    sys.exit(main(sys.argv[1]))
