"""Take the pictures of check runs in docs/github.md.

Usage: check_run_pictures.py [FOLDER]. The scripted pull requests of the tests go through the
workflow files (`act`, strict server), and what the server then holds is drawn as GitHub draws it:
its flavour of Markdown, headless Chromium. Folders of this machine are shown as a runner's. It
takes two minutes, so it is no part of `make docs`; it needs chromium and fonts-noto-color-emoji.
"""

from __future__ import annotations

import html
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markdown_it import MarkdownIt
from pages import DOCS

sys.path.insert(0, str(DOCS.parent / "harness/tests/made"))

import scripted_pulls as pulls  # type: ignore[import-not-found]
from pull_request import Scripted  # type: ignore[import-not-found]
from strict_github.server import StrictGitHub  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from collections.abc import Mapping

# Name of the picture: what the pull request changes, whose it is, and the check run that is shown.
SHOWN: Mapping[str, tuple[dict[str, str], bool, str]] = {
    "green": (pulls.GREEN, False, "metaflow-backends"),
    "failing": (pulls.ONE_FAILS, False, "metaflow-backends / fake"),
    "absent": (pulls.ONE_IS_ABSENT, False, "metaflow-backends"),
    "flaky": (pulls.FLAKY, False, "metaflow-backends"),
    "fork": (pulls.GREEN, True, "metaflow-backends"),
}
WIDTH, HEIGHT = 900, 1_500  # pixels; what is longer ends there
RUNNER = "/runner/r"
STYLE = """
body { font: 14px/1.5 "Segoe UI", "DejaVu Sans", Helvetica, Arial, sans-serif; color: #1f2328;
  margin: 0; padding: 20px 28px; width: 844px }
h1 { font-size: 20px; margin: 0 } h2 { font-size: 16px; font-weight: 400; margin: 2px 0 16px }
h1 span { color: #fff; border-radius: 10px; padding: 2px 10px; font-size: 12px; float: right }
.success span { background: #1a7f37 } .failure span { background: #cf222e }
.neutral span { background: #59636e }
code, pre { font: 12px/1.45 "DejaVu Sans Mono", monospace; background: #f6f8fa; border-radius: 6px }
code { padding: 2px 4px } pre { padding: 12px; white-space: pre-wrap; overflow-wrap: anywhere }
pre code { padding: 0 } table { border-collapse: collapse }
td, th { border: 1px solid #d1d9e0; padding: 5px 12px }
.note { border: 1px solid #d1d9e0; border-left: 4px solid #cf222e; border-radius: 6px;
  padding: 8px 12px; margin: 8px 0 } .note.warning { border-left-color: #9a6700 }
.note pre { margin: 4px 0 0 } hr { border: 0; border-top: 1px solid #d1d9e0; margin: 16px 0 }
a { color: #0969da }
"""


def main() -> int:
    """Write one picture for each pull request; gives the exit code."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS / "pictures"
    target.mkdir(parents=True, exist_ok=True)
    pages = {}
    for name, (changed, fork, shown) in SHOWN.items():
        with tempfile.TemporaryDirectory(prefix="pictures-") as folder:
            drawn = page(published(Path(folder), changed, fork=fork), shown)
            checkout = rf"{re.escape(folder)}/cache/act/\w+/hostexecutor"
            drawn = re.sub(checkout, RUNNER, drawn)
            pages[name] = drawn.replace(sys.prefix, f"{RUNNER}/.venv")
    photograph(pages, target)
    return 0


def published(folder: Path, changed: dict[str, str], *, fork: bool) -> StrictGitHub:
    """Run both workflows on a pull request, and give the server as they left it."""
    pull = Scripted(folder, StrictGitHub(), pulls.FILES, changed, fork=fork)
    pull.ci()
    pull.report()
    if not pull.server.runs:
        raise SystemExit("\n".join(pull.said))
    return pull.server


def page(server: StrictGitHub, shown: str) -> str:
    """Draw one check run: title, summary, annotations, text."""
    number, run = next((n, run) for n, run in server.runs.items() if run["name"] == shown)
    markdown = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    output, conclusion = run["output"], run["conclusion"]
    text = markdown.render(output["text"]).replace("<details>", "<details open>", 1)
    return (
        f'<!doctype html><meta charset="utf-8"><style>{STYLE}</style>'
        f'<h1 class="{conclusion}">{html.escape(shown)} <span>{conclusion}</span></h1>'
        f"<h2>{html.escape(output['title'])}</h2>{markdown.render(output['summary'])}"
        f"{''.join(map(note, server.notes[number]))}<hr>{text}"
    )


def note(annotation: Mapping[str, Any]) -> str:
    """Draw an annotation as it stands beside the code."""
    where = f"{annotation['path']}:{annotation['start_line']}"
    return (
        f'<div class="note {annotation["annotation_level"]}"><b>{html.escape(annotation["title"])}'
        f"</b> &nbsp; <code>{html.escape(where)}</code>"
        f"<pre>{html.escape(annotation['message'])}</pre></div>"
    )


def photograph(pages: Mapping[str, str], target: Path) -> None:
    """Take a picture of each page, as long as it is."""
    from playwright.sync_api import FloatRect, sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name, text in pages.items():
            opened = browser.new_page(viewport={"width": WIDTH, "height": 200})
            opened.set_content(text)
            long = opened.evaluate("document.documentElement.scrollHeight")
            area = FloatRect(x=0, y=0, width=WIDTH, height=min(long, HEIGHT))
            path = target / f"check-run-{name}.png"
            opened.screenshot(path=path, full_page=True, clip=area)
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
