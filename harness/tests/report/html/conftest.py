from __future__ import annotations

import shutil

import pytest
from html_page import DESKTOP, VISIBLE_ROWS
from html_sample import attempt, detail_of, empty_grid, large, put, realistic, report_of
from pytest_metaflow_backends.report.html import render

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = (
    "</script><img src=x onerror=alert(1)><svg onload=alert(2)><iframe src=//evil.example>"
    "<script>alert(3)</script>\x1b[31m\x00\ud800\u202e\u2066 \u05d0 javascript:alert(4)"
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium")
    if not program:
        pytest.fail("chromium is not on PATH: apt-get install chromium", pytrace=False)
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=program,
            headless=True,
            args=ARGUMENTS,
            viewport=DESKTOP,
            permissions=["clipboard-read", "clipboard-write"],
        )
        yield context
        context.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The three pages, written once."""
    folder = tmp_path_factory.mktemp("site")
    for name, report in (
        ("real", realistic()),
        ("large", large(20_000)),
        ("hostile", hostile()),
    ):
        with (folder / f"{name}.html").open("w", encoding="utf-8") as out:
            render(report, out)
    return folder


@pytest.fixture
def visit(chromium, site):
    """Open a page; at the end no request, dialog, console message or error was seen."""
    seen, pages = [], []

    def go(name="real", hash_="", viewport=None, scheme="light"):
        page = chromium.new_page()
        pages.append(page)
        page.set_viewport_size(viewport or DESKTOP)
        page.emulate_media(color_scheme=scheme)
        address = f"{(site / name).as_uri()}.html"
        page.on("request", lambda r: seen.append(r.url) if unexpected(r.url, address) else None)
        page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto(address + hash_)
        page.wait_for_selector(VISIBLE_ROWS)
        return page

    go.seen = seen
    yield go
    for page in pages:
        page.evaluate("localStorage.clear()")
        page.close()
    assert seen == []


def unexpected(url, address):
    return url.split("#")[0] != address and not url.startswith("data:image/svg+xml")


def hostile():
    key = f"tests/test_x.py::test_{HOSTILE}"
    grid = empty_grid((HOSTILE, "k8s"), [key, "tests/test_y.py::test_clean"])
    attempts = (attempt(1, message=HOSTILE, details=HOSTILE),)
    put(grid, detail_of(key, "k8s", attempts=attempts, worker=HOSTILE, owner=HOSTILE))
    return report_of(grid, title=HOSTILE, killed=[HOSTILE], slowest=[(key, "k8s", 1.0)])
