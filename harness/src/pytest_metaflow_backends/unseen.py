"""What stands between two parts of a secret and parts it for a machine, but for no reader."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Span = tuple[int, int]

# CSI, OSC (to its end or the end of the line), and the two-character escapes of ECMA-48.
ESCAPE = (
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-Z\\^-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
# Control and bidirectional-override characters: these only change how other text looks.
CONTROL = "\x01-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
# Further ones that take no place on a screen: soft hyphens, joiners, marks of order, selectors.
_NO_WIDTH = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# A carriage return is a break between lines for every reader of ours.
_CHARACTER = f"[\x00{CONTROL}{_NO_WIDTH}]".replace("\x0b-\x1f", "\x0b\x0c\x0e-\x1f")
_HAS_ONE = re.compile(_CHARACTER)
_HAS_ONE_ASCII = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")  # three times as fast
_UNSEEN = re.compile(f"{ESCAPE}|{_CHARACTER}")
# Breaks between lines, with what quotes and tracebacks put around them.
_BREAK = r"(?:['\",]{0,2}(?:\r?\n|(?:\\+r)?\\+n)(?:E?[ \t>|]+)?(?:b?['\"])?)"
_ANY_BREAK = re.compile(_BREAK)
# Those within encoded data: a full line stands before them.
_LINE = "[A-Za-z0-9+/_-]{32}"
_WRAP = re.compile(f"(?<={_LINE}){_BREAK}{{1,2}}(?=[A-Za-z0-9+/=_-])")
_LINE_END = re.compile(r"\n|\\+[nr]")
# The same where it ends, which is found sooner: few breaks have such a line before them.
_ENDS = [
    re.compile("|".join(rf"{end}(?<={_LINE}{before}{end})" for before in befores))
    for end, befores in (
        (r"\n", ("", r"\r", "['\"]", "['\"],", "['\"]\r", "['\"],\r")),
        (r"\\n", ("", r"\\", r"\\r", r"\\\\r\\", "['\"]", "['\"],")),
    )
]


def without(text: str) -> str:
    """Give the text without what is not seen of it."""
    return _UNSEEN.sub("", text)


def parted(text: str) -> bool:
    """Tell quickly if there is anything in a text that could part a secret."""
    return any(one.search(text) for one in (_one_of(text), *_ENDS))


def joined(text: str, secrets: re.Pattern[str] | None) -> str:
    """Take out what parts a text, but nothing that a secret reaches into as it stands."""
    for parting in (_characters, _wraps, _wraps):  # the second time, of lines broken twice
        found = list(parting(text))
        if found:
            whole = [one.span() for one in secrets.finditer(text)] if secrets else []
            text = _cut(text, _gaps(found, len(text), whole))
    return text


def alike(one: str, other: str) -> bool:
    """Tell if two texts differ in nothing but breaks between lines."""
    return one == other or _ANY_BREAK.sub("", one) == _ANY_BREAK.sub("", other)


def _one_of(text: str) -> re.Pattern[str]:
    """Give what finds a character that is not seen, or begins what is not."""
    return _HAS_ONE_ASCII if text.isascii() else _HAS_ONE


def _characters(text: str) -> Iterator[Span]:
    """Yield where nothing is seen."""
    if _one_of(text).search(text):
        yield from (found.span() for found in _UNSEEN.finditer(text))


def _wraps(text: str) -> Iterator[Span]:
    """Yield breaks within encoded data, as the expression for them finds them.

    It would look at every place; a break can only begin where a line ends, or up to two quotes
    and a carriage return before.
    """
    at = 0
    for end in _LINE_END.finditer(text):
        for start in range(max(at, end.start() - 3), end.start() + 1):
            if found := _WRAP.match(text, start):
                at = found.end()
                yield found.span()
                break


def _gaps(found: list[Span], length: int, whole: list[Span]) -> Iterator[Span]:
    """Yield what may be taken out; both lists of places are in order."""
    secrets = iter([*whole, (length + 1, length + 1)])
    start, end = next(secrets)
    for gap in found:
        while end <= gap[0] or gap[0] <= start < end <= gap[1]:
            start, end = next(secrets)  # it has gone by, or goes with the gap
        if start >= gap[1]:
            yield gap


def _cut(text: str, spans: Iterator[Span]) -> str:
    kept, at = [], 0
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])
