"""Make text that others wrote harmless for the place it is shown in.

Tests print what they like: escape sequences, NULs, half a surrogate pair, workflow commands. Every
function here is linear in the length of its input and total: any `str` goes in, and what comes out
encodes as UTF-8.
"""

from __future__ import annotations

import hashlib
import html
import re
import secrets

from pytest_metaflow_backends.unseen import CONTROL, ESCAPE

KEEP = 65_536  # characters of one text that are shown at most
NAME = 1_000  # characters of a test's name that are shown at most
REPLACEMENT = "\ufffd"

_ANSI = re.compile(ESCAPE)
# Not text at all: these leave a mark so that a reader sees that something was there.
_FOREIGN = re.compile("[\x00\ud800-\udfff\ufffe\uffff]")
_CONTROL = re.compile(f"[{CONTROL}]")
_MENTION = re.compile(r"([@#])(?=\w)")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#|~!&$])")
_AUTOLINK = re.compile(r":(?=//)|(?<=www)\.", re.IGNORECASE)
_BACKTICKS = re.compile(r"`+")


def plain(text: str, limit: int = KEEP) -> str:
    """Give the text without escape sequences and control characters, cut in the middle if long.

    Line breaks and tabs stay; NUL and lone surrogates become U+FFFD.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    text = cut(text, 2 * limit)  # so that a huge text costs little; escapes vanish below
    text = _ANSI.sub("", text.replace("\r\n", "\n")).replace("\r", "\n")
    text = _CONTROL.sub("", _FOREIGN.sub(REPLACEMENT, text))
    return cut(text, limit)


def cut(text: str, limit: int) -> str:
    """Shorten to at most `limit` characters, keeping more of the end than of the beginning."""
    if len(text) <= limit:
        return text
    note = f"\n[... {len(text) - limit} characters cut ...]\n"
    room = limit - len(note)
    if room <= 0:
        return text[:limit]
    head = room // 3
    return text[:head] + note + text[len(text) - (room - head) :]


def identifier(text: str, limit: int = NAME) -> str:
    """Give a name on one line that is different for different input.

    What cannot be printed is written as a Python escape; a very long name ends with its digest.
    """
    shown = text[:limit]  # so that a huge name costs little
    if not shown.isprintable():
        shown = "".join(c if c.isprintable() else _escaped(c) for c in shown)
    if max(len(text), len(shown)) <= limit:
        return shown
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{shown[: limit - 20]}...{digest}"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def one_line(text: str, limit: int = 300) -> str:
    """Give the text on one line, its white space collapsed."""
    line = " ".join(plain(text, 4 * limit).split())
    return line if len(line) <= limit else line[: max(limit - 3, 0)] + "..."


def xml_text(text: str, limit: int = KEEP) -> str:
    """Escape for XML 1.0 character data; characters that XML cannot hold are gone."""
    return html.escape(plain(text, limit), quote=False)


def xml_attribute(text: str, limit: int = KEEP) -> str:
    """Quote for an XML 1.0 attribute, quotation marks included; line breaks survive parsing."""
    escaped = html.escape(plain(text, limit), quote=True)
    return '"' + escaped.replace("\n", "&#10;").replace("\t", "&#9;") + '"'


def md_inline(text: str, limit: int = 300) -> str:
    """Escape for a line of GitHub flavoured Markdown, table cells included.

    Mentions, references to issues and bare links do not take effect.
    """
    return _unmentioned(_unlinked(_MARKDOWN.sub(r"\\\1", one_line(text, limit))))


def md_html(text: str, limit: int = 300) -> str:
    """Escape for the text of an HTML element inside Markdown, such as a `<summary>`."""
    return _unmentioned(html.escape(one_line(text, limit), quote=False))


def _unlinked(text: str) -> str:
    return _AUTOLINK.sub(lambda found: "\\" + found.group(), text)


def _unmentioned(text: str) -> str:
    return _MENTION.sub("\\1\u200b", text)


def md_code(text: str, limit: int = 300, *, table: bool = False) -> str:
    """Make a code span; inside a table GitHub wants `|` escaped even there."""
    line = cut(plain(text, 4 * limit).replace("\n", " "), limit) or " "  # spaces stay: it is copied
    ticks = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    if table:
        line = line.replace("|", "\\|")
    return f"{ticks}{pad}{line}{pad}{ticks}"


def md_fence(text: str, language: str = "", limit: int = KEEP) -> str:
    """Make a fenced block whose fence is longer than any run of backticks inside."""
    body = plain(text, limit).rstrip("\n")
    fence = "`" * max(3, _longest_run(body) + 1)
    return f"{fence}{language}\n{body}\n{fence}\n"


def _longest_run(text: str) -> int:
    return max((len(run) for run in _BACKTICKS.findall(text)), default=0)


def stop_commands(text: str, token: str | None = None) -> str:
    """Wrap output for the log of a GitHub job so that no `::error::` inside it takes effect.

    Source: "Stopping and starting workflow commands" in GitHub's documentation. The token is
    random unless given, so that the text inside cannot end the wrapper.
    """
    token = token or secrets.token_hex(16)
    ending = "" if text.endswith("\n") else "\n"
    return f"::stop-commands::{token}\n{text}{ending}::{token}::\n"
