"""What check runs would say, as files and as a step summary: for a desk, a fork, another CI."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pytest_metaflow_backends.github.checks import requests
from pytest_metaflow_backends.report import markdown
from pytest_metaflow_backends.report.fit import STEP_SUMMARY
from pytest_metaflow_backends.report.text import md_inline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_metaflow_backends.github.checks import Check
    from pytest_metaflow_backends.report.model import Report


def write(checks: Sequence[Check], folder: Path) -> list[Path]:
    """Write a Markdown file for each check, and all requests as `requests.json`; give the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for check in checks:
        path = folder / f"{_file_name(check.name)}.md"
        path.write_text(page(check), encoding="utf-8")
        written.append(path)
    path = folder / "requests.json"
    bodies = [dict(request.body) for check in checks for request in requests(check)]
    path.write_text(json.dumps(bodies, indent=1), encoding="utf-8")
    return [*written, path]


def page(check: Check) -> str:
    """Give a check as GitHub shows it: name and conclusion, title, summary, text."""
    output = check.output
    heading = f"# {check.name}: {check.conclusion}\n\n{md_inline(output['title'])}"
    return f"{heading}\n\n{output['summary']}\n{output['text']}"


def add_step_summary(report: Report, file: Path, link: str = "") -> None:
    """Append the report to the summary of a step; if it had more than 1 MiB, all would be lost."""
    room = STEP_SUMMARY - (file.stat().st_size if file.exists() else 0)
    with file.open("a", encoding="utf-8") as stream:
        stream.write(markdown.render(report, max(room - 1, 0), link))


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", name).strip("-.") or "check"
