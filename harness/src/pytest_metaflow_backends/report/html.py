"""The HTML report: one file that opens anywhere, asks no network, and lets nothing in it run.

Verdict and details are written here, so that they can be read without JavaScript; the grid is
compact JSON that the page draws as one scrolls. The page's policy allows exactly the style and
the scripts of this package, by their hashes.
"""

from __future__ import annotations

from base64 import b64encode
from functools import cache, cached_property
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, TextIO

from pytest_metaflow_backends.report import html_failures, html_grid, html_view, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jinja2 import Environment

    from pytest_metaflow_backends.report.model import Report

BUDGET = 25_000_000  # bytes: a page of this size still opens at once
FAILURES = 0.6  # the share of the budget that failures may take
SCRIPTS = ("data.js", "filters.js", "grid.js", "panel.js", "report.js")


def render(report: Report, out: TextIO, *, budget: int = BUDGET) -> None:
    """Write the page to `out`, at most `budget` bytes unless the failures alone need more.

    `out` must take UTF-8. Clean rows are left out first; the page then says how many.
    """
    sink = _Counted(out)
    assets = _assets()
    context = {
        "report": report,
        "page": html_view.page(report),
        "failures": html_failures.fit(report.groups, int(budget * FAILURES)),
        "rows": html_grid.row_numbers(report.grid, html_view.keys_shown(report)),
        "grid": _LateGrid(report, sink, budget - len(assets["script"]) - _tail(report)),
        "assets": assets,
        "policy": _policy(assets),
        "judgement": html_view.JUDGEMENTS,
        "reproduce": report.reproduce,
        "sections": html_view.sections(report),
        "shown": html_view.SHOWN,
        "deep": html_view.DEEP,
    }
    template = _environment().get_template("report.html.j2")
    for piece in template.generate(context):
        sink.write(piece)


class _Counted:
    """Counts the bytes that pass."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.bytes = 0

    def write(self, piece: str) -> None:
        self.bytes += len(piece) if piece.isascii() else len(piece.encode())
        self._out.write(piece)


class _LateGrid:
    """The grid, chosen when the template reaches it: it gets the room the rest has left."""

    def __init__(self, report: Report, sink: _Counted, budget: int) -> None:
        self._report = report
        self._sink = sink
        self._budget = budget

    @cached_property
    def _selection(self) -> html_grid.Selection:
        return html_grid.select(self._report.grid, self._budget - self._sink.bytes)

    @property
    def left_out(self) -> int:
        return self._selection.left_out

    def pieces(self) -> Iterator[str]:
        from markupsafe import Markup

        # JSON inside a script element, where `<` is the only character that matters.
        return map(Markup, html_grid.pieces(self._report, self._selection))


def _tail(report: Report) -> int:
    """Reckon the bytes that follow the grid: the sessions and the life of the backends."""
    return 20_000 + 2_000 * (min(len(report.sessions), html_view.SHOWN) + len(report.events))


@cache
def _assets() -> dict[str, str]:
    folder = files(__package__) / "templates"
    script = "\n".join((folder / name).read_text("utf-8") for name in SCRIPTS)
    return {
        "style": (folder / "report.css").read_text("utf-8"),
        "early": (folder / "early.js").read_text("utf-8"),
        "script": script,
    }


def _policy(assets: Mapping[str, str]) -> str:
    """Allow our own style and scripts and nothing else; strings can't become markup or code."""
    scripts = f"{_hash(assets['early'])} {_hash(assets['script'])}"
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            f"style-src {_hash(assets['style'])}",
            "img-src data:",  # the icon of the page
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(source: str) -> str:
    return f"'sha256-{b64encode(sha256(source.encode()).digest()).decode()}'"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("pytest_metaflow_backends.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_inert,
        auto_reload=False,
    )
    environment.filters |= html_view.FILTERS
    return environment


def _inert(value: object) -> object:
    """Clean every text the templates print; autoescape then makes it harmless as markup."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return text.plain(value, max(len(value), text.KEEP))
    return value
