"""The forms that one secret takes in a text, and one expression that finds them all."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from pytest_metaflow_backends import unseen

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

MASK = "[redacted]"
SHORTEST_SECRET = 6  # characters; shorter values would mask ordinary words
SHORTEST_HALF = 4  # characters of a secret beside an ellipsis that give it away
ELLIPSIS = re.compile(r"\.{3,}")


def spellings(secret: str) -> Iterator[str]:
    """Yield the secret as it stands in logs, URLs, JSON, Python's repr and base64, line by line."""
    yield secret
    lines = secret.splitlines()
    yield from (end.join(lines) for end in ("\n", "\r\n", "\r"))
    seen = unseen.without(secret)
    pieces = [text for text in (seen, *lines) if len(text) >= SHORTEST_SECRET]
    for text in dict.fromkeys([secret, *pieces]):
        yield from _escaped(text)
        yield from _base64(text)


def _escaped(text: str) -> Iterator[str]:
    raw = text.encode("utf-8", "surrogateescape")
    percent = (quote(raw), quote(raw, safe=""), quote_plus(raw))
    yield text
    yield from _not_ascii(text, raw)
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield json.dumps(json.dumps(text))[3:-3]  # JSON within JSON
    yield repr(text)[1:-1]
    yield html.escape(text)
    yield shlex.quote(text).strip("'")
    yield from percent
    yield from (re.sub("%..", lambda m: m.group().lower(), form) for form in percent)


def _not_ascii(text: str, raw: bytes) -> Iterator[str]:
    """Yield what is left of it where only ASCII may stand: what is ASCII already, stays."""
    yield repr(raw)[2:-1]
    yield raw.decode("ascii", "backslashreplace")  # pytest's name of a test for the bytes
    yield text.encode("unicode_escape").decode("ascii")  # and for the text
    yield ascii(text)[1:-1]
    yield text.encode("ascii", "xmlcharrefreplace").decode("ascii")
    yield re.sub(r"\\u[0-9a-f]{4}", lambda m: f"\\u{m[0][2:].upper()}", json.dumps(text)[1:-1])


def _base64(text: str) -> Iterator[str]:
    """Yield what base64 makes of it whatever stands before: three alignments, two alphabets."""
    raw = text.encode("utf-8", "surrogateescape")
    for offset in range(3):
        # Only the characters that depend on nothing but the secret are certain.
        padded = base64.b64encode(b"\0" * offset + raw).decode("ascii")
        start = (0, 2, 3)[offset]
        end = len(padded) - (0 if (len(raw) + offset) % 3 == 0 else 4 - (len(raw) + offset) % 3)
        sure = padded[start:end].rstrip("=")
        if len(sure) >= SHORTEST_SECRET:
            yield sure
            yield sure.replace("+", "-").replace("/", "_")


def any_of(texts: Iterable[str]) -> str:
    """Give an expression that matches the longest of the texts, shaped as a tree of prefixes.

    A plain alternation tries every text at every place; this tries one branch.
    """
    branches = []
    for _, group in groupby(sorted(set(texts) - {""}), key=lambda text: text[0]):
        members = list(group)
        prefix = _common(members[0], members[-1])
        rest = [text[len(prefix) :] for text in members]
        more = any_of(rest)
        optional = "?" if "" in rest else ""
        branches.append(re.escape(prefix) + (f"(?:{more}){optional}" if more else ""))
    return "|".join(branches)


def _common(first: str, last: str) -> str:
    """Give the common prefix of all texts that stand in order between these two."""
    pairs = zip(first, last, strict=False)
    length = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(first), len(last)))
    return first[:length]


def without_halves(text: str, secrets: Collection[str], longest: int) -> str:
    """Mask the beginning or the end of a secret that stands beside an ellipsis.

    pytest shortens long values in the middle, and we cut long texts: half a secret stays.
    """
    done, at = [], 0
    for found in ELLIPSIS.finditer(text):
        before = text[max(at, found.start() - longest) : found.start()]
        after = text[found.end() : found.end() + longest]
        left = max((_begun(before, secret) for secret in secrets), default=0)
        right = max((_ended(after, secret) for secret in secrets), default=0)
        done.append(text[at : found.start() - left] + (MASK if left else "") + found.group())
        done.append(MASK if right else "")
        at = found.end() + right
    return "".join([*done, text[at:]])


def _begun(text: str, secret: str) -> int:
    """Count the characters of the longest beginning of a secret with which a text ends."""
    start = text.find(secret[:SHORTEST_HALF])
    while start >= 0:
        if secret.startswith(text[start:]):
            return len(text) - start
        start = text.find(secret[:SHORTEST_HALF], start + 1)
    return 0


def _ended(text: str, secret: str) -> int:
    """Count the characters of the longest end of a secret with which a text begins."""
    start = text.rfind(secret[-SHORTEST_HALF:])
    while start >= 0:
        if secret.endswith(text[: start + SHORTEST_HALF]):
            return start + SHORTEST_HALF
        start = text.rfind(secret[-SHORTEST_HALF:], 0, start + SHORTEST_HALF - 1)
    return 0
