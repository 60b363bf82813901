"""Small texts of the page that need care: addresses, the link to a row, times, counts."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from urllib.parse import quote, urlsplit

KEY = 2_000  # characters kept of a test's key

_SURROGATE = re.compile("[\ud800-\udfff]")
_WEB = frozenset({"http", "https"})


def moment(seconds: float) -> str:
    """Say a time in UTC, to the minute; an impossible one is said to be unknown."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%a %d %b %Y, %H:%M UTC")
    except (OverflowError, OSError, ValueError):
        return "time unknown"


def web_address(text: str) -> str | None:
    """Give the address back if it is plain http(s), else None: it is then shown, never linked."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    plain = parts.scheme in _WEB and parts.netloc and text.isascii() and text.isprintable()
    return text if plain else None


def fragment(key: str) -> str:
    """Write the part after `#` that opens the row of this key."""
    return "key=" + quoted(key[:KEY])


def quoted(value: str) -> str:
    """Quote a value for the part after `#`; a browser reads half a surrogate pair as U+FFFD."""
    return quote(_SURROGATE.sub("\ufffd", value), safe="")


def plural(count: int, noun: str) -> str:
    """Count things in words: `1 test`, `1,204 tests`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
