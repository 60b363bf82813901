"""Write all reports into a folder; a reader never sees half a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pytest_metaflow_backends.report import fit, json_report, junit, markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_metaflow_backends.report.model import Report

    Renderer = Callable[[Report, TextIO], None]


def write_all(report: Report, folder: Path) -> list[Path]:
    """Write `index.html`, `report.md`, `junit.xml` and `report.json`; give their paths.

    The folder is made if need be. An old file is replaced only when its successor is complete.
    Raises OSError if a file cannot be written; then nothing half-written is left.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(report, folder / name, render) for name, render in renderers().items()]


def renderers() -> Mapping[str, Renderer]:
    """Name the files and what writes them."""
    from pytest_metaflow_backends.report import html  # jinja2 only when a page is wanted

    return {
        "index.html": html.render,
        "report.md": _markdown,
        "junit.xml": junit.render,
        "report.json": json_report.render,
    }


def _markdown(report: Report, out: TextIO) -> None:
    out.write(markdown.render(report, fit.STEP_SUMMARY))


def _write(report: Report, path: Path, render: Renderer) -> Path:
    number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="\n", errors="replace") as stream:
            render(report, stream)
        Path(name).chmod(0o666 & ~_umask())  # mkstemp made it private; a report is for everyone
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
