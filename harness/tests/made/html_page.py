"""What tests of the page in a browser look at."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 760}
VISIBLE_ROWS = "#grid .row"


def until(page, condition, seconds=10):
    """Wait for a condition, asked from outside: the page's policy lets nothing evaluate text."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"waited in vain for {condition}"
        time.sleep(0.02)


def show_grid(page):
    """Bring the grid into view: only the rows near what a person sees are drawn."""
    page.locator("#grid").scroll_into_view_if_needed()


def names(page):
    return page.locator("#grid .row .name").all_inner_texts()


def address(page):
    return {k: v[0] for k, v in parse_qs(urlsplit(page.url).fragment).items()}
