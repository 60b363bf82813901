"""Put the grid of the tutorial flows into README.md, as `make matrix` printed it.

Usage: readme_grid.py report/report.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pages import DOCS

START, END = "<!-- grid:start -->", "<!-- grid:end -->"
SIGNS = {"passed": "pass", "flaky": "flaky", "skipped": "skip", "not_run": "not run"}


def grid(report: dict[str, Any], part: str) -> str:
    """Draw the rows whose key holds `part`, one column per backend."""
    columns = [c["column"] for c in report["verdict"]["columns"] if c["column"]]
    tests = [test for test in report["tests"] if part in test["key"]]
    names = [test["key"].rpartition("::")[2] for test in tests]
    width = max([len(name) for name in names], default=0)
    lines = [f"{'':{width}}  {'  '.join(f'{c:12}' for c in columns)}".rstrip()]
    for name, test in zip(names, tests, strict=True):
        states = (test["cells"].get(c, {}).get("state", "") for c in columns)
        signs = "  ".join(f"{SIGNS.get(s, s.upper()):12}" for s in states)
        lines.append(f"{name:{width}}  {signs}".rstrip())
    return "\n".join(lines)


def main() -> int:
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    path = DOCS.parent / "README.md"
    before, _, rest = path.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    block = f"{START}\n```text\n{grid(report, 'test_tutorials')}\n```\n{END}"
    path.write_text(before + block + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
