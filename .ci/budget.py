"""Hold what a run took against the budgets: minutes of each area's tests, and of everything.

Usage: budget.py REPORT_FOLDER. The figures are those of the run itself: report.json has the seconds
of every test, timings.json those of every part. An area is the folder of its tests; its minutes are
the seconds of all its tests divided by the two workers that share them. Absence is red: an area of
the tree that is not in the report, and a part that left no time.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
# Minutes on 2 cores with warm caches (docs/architecture.md, "Tests").
BUDGETS = {
    "matrix": 4.0,  # flows on backends: conformance and tutorials
    "harness": 8.0,  # what proves the harness itself
    "devstack": 4.0,
    "devstack flows": 14.0,  # flows on what the devstack brings up: pods take seconds
    "check runs": 2.0,
    "nomad": 5.0,
    "worker_pool": 4.0,
    "functions": 3.0,
    "devcontainer": 4.0,
    "isolation": 1.0,
    "ui": 3.0,
    "runview": 1.0,
    "notebook": 3.0,
    "vscode": 3.0,
    "confidential": 2.0,
}
WARM, COLD = 40.0, 75.0  # minutes of all parts; a run cannot tell how warm its caches were
PARTS = frozenset({"lint", "docs", "conformance", "units", "report"})  # no run is without them


# What runs on these backends is not what their own code costs.
ON_DEVSTACK = {"nomad": "nomad"} | dict.fromkeys(("s3", "docker", "k8s", "argo"), "devstack flows")


def area_of(key: str, column: str = "") -> str:
    """Name the area a test belongs to by its folder, and by the backend it ran on."""
    parts = key.split("/")
    if area := ON_DEVSTACK.get(column.partition("/")[0]):
        return area
    if parts[:3] == ["harness", "tests", "github"]:
        return "check runs"
    if parts[:2] == ["harness", "conformance"]:
        return "matrix"
    return {"harness": "harness", "backends": "devstack"}.get(parts[0], (parts * 2)[1])


def minutes(report: dict[str, Any]) -> dict[str, float]:
    """Add up the minutes of each area in a report."""
    spent: dict[str, float] = {}
    for test in report["tests"]:
        for column, cell in test["cells"].items():
            area = area_of(test["key"], column)
            spent[area] = spent.get(area, 0.0) + cell["seconds"] / 60 / WORKERS
    return spent


def areas_with_tests(root: Path) -> set[str]:
    """Find the areas of the tree that hold tests."""
    inside = [root / "harness/conformance", root / "harness/tests/github"]
    folders = [*root.glob("*/tests"), *root.glob("features/*/tests"), *inside]
    return {area_of(f"{f.relative_to(root)}/x") for f in folders if f.is_dir()}


def area_problems(spent: dict[str, float], areas: set[str]) -> list[str]:
    """List areas that are over budget, have none, or did not report."""
    lines = [f"{area}: none of its tests is in the report" for area in sorted(areas - set(spent))]
    lines += [f"{area}: has no budget in .ci/budget.py" for area in sorted(areas - set(BUDGETS))]
    for area in sorted(set(spent) & set(BUDGETS)):
        if spent[area] > BUDGETS[area]:
            lines.append(f"{area}: {spent[area]:.1f} min, budget {BUDGETS[area]:g} min")
    return lines


def total_problems(timings: dict[str, float]) -> list[str]:
    """List parts without a time, and say if all parts together took too long."""
    lines = [f"{part}: has no time in timings.json" for part in sorted(PARTS - set(timings))]
    total = sum(timings.values()) / 60
    if total > COLD:
        lines.append(f"all parts: {total:.1f} min, budget {COLD:g} min")
    return lines


def main(folder: Path) -> int:
    try:
        spent = minutes(json.loads((folder / "report.json").read_text(encoding="utf-8")))
        timings = json.loads((folder / "timings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        print(f"no budget can be checked: {error}", file=sys.stderr)
        return 1
    for area, took in sorted(spent.items()):
        print(f"{area:14} {took:5.1f} of {BUDGETS.get(area, 0):4.1f} min")
    print(f"{'all parts':14} {sum(timings.values()) / 60:5.1f} of {WARM:4.1f} min ({COLD:g} cold)")
    print(f"load average   {os.getloadavg()[0]:5.1f}")
    lines = area_problems(spent, areas_with_tests(ROOT)) + total_problems(timings)
    for line in lines:
        print(f"budget: {line}", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004
        sys.exit("usage: budget.py REPORT_FOLDER")
    sys.exit(main(Path(sys.argv[1])))
