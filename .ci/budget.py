"""Hold the seconds that the tests of each area took against their budget.

Usage: budget.py report.json. The figures are those of the run itself: seconds of all tests of an
area, divided by the two workers that share them. An area whose tests left no trace is an error.
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
    "matrix": 4.0,
    "devstack": 4.0,
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


def area_of(key: str) -> str:
    """Name the area a test belongs to by its folder."""
    parts = key.split("/")
    return {"harness": "matrix", "backends": "devstack"}.get(parts[0], (parts * 2)[1])


def minutes(report: dict[str, Any]) -> dict[str, float]:
    """Add up the minutes of each area in a report."""
    spent: dict[str, float] = {}
    for test in report["tests"]:
        seconds = sum(cell["seconds"] for cell in test["cells"].values())
        area = area_of(test["key"])
        spent[area] = spent.get(area, 0.0) + seconds / 60 / WORKERS
    return spent


def areas_with_tests(root: Path) -> set[str]:
    """Find the areas of the tree that hold tests."""
    found = {path.parent.name for path in root.glob("features/*/tests")}
    return found | {area_of(p.name) for p in (root / "harness", root / "backends") if p.is_dir()}


def problems(spent: dict[str, float], areas: set[str]) -> list[str]:
    """List areas that are over budget, have none, or did not report."""
    lines = [f"{area}: none of its tests is in the report" for area in sorted(areas - set(spent))]
    lines += [f"{area}: has no budget in .ci/budget.py" for area in sorted(areas - set(BUDGETS))]
    for area in sorted(set(spent) & set(BUDGETS)):
        if spent[area] > BUDGETS[area]:
            lines.append(f"{area}: {spent[area]:.1f} min, budget {BUDGETS[area]:g} min")
    return lines


def main(path: str) -> int:
    report = json.loads(Path(path).read_text(encoding="utf-8"))
    spent = minutes(report)
    for area, took in sorted(spent.items()):
        print(f"{area:14} {took:5.1f} of {BUDGETS.get(area, 0):4.1f} min")
    lines = problems(spent, areas_with_tests(ROOT))
    for line in lines:
        print(f"over budget: {line}", file=sys.stderr)
    print(f"load average {os.getloadavg()[0]:.1f}")
    return 1 if lines else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004
        sys.exit("usage: budget.py report.json")
    sys.exit(main(sys.argv[1]))
