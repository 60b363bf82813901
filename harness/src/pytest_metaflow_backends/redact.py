"""Keep secrets out of everything that is written down.

Redaction happens when a text is recorded, before it is cut: half a secret no longer matches.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MASK = "[redacted]"
SHORTEST_SECRET = 6  # characters; shorter values would mask ordinary words

# Names that hold secrets by convention, in addition to those of the matrix.
NAMES = ("*TOKEN*", "*SECRET*", "*PASSWORD*", "*PASSWD*", "*CREDENTIAL*", "*_KEY", "*APIKEY*")
# Forms that give a secret away wherever they stand. Each captures what may stay in group 1.
PATTERNS = (
    r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",  # AWS access key id
    r"()\bgh[pousr]_[A-Za-z0-9]{20,255}\b",  # GitHub tokens
    r"()\bgithub_pat_[A-Za-z0-9_]{20,255}\b",
    r"()\bxox[abprs]-[A-Za-z0-9-]{10,250}\b",  # Slack
    r"()\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,2000}",  # JWT
    (
        r"((?i:authorization)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:(?i:bearer|basic|token)\s{1,4})?)"
        r"[^\s\"',;]{6,4000}"
    ),
    r"((?i:x-nomad-token|x-vault-token|x-api-key)[\"']?\s{0,4}[:=]\s{0,4}[\"']?)[^\s\"',;]{6,4000}",
    r"(\b(?:client-key-data|client-certificate-data|token):\s{1,4})[^\s\"']{6,20000}",  # kubeconfig
    (
        r"()-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}"
        r"(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
    ),
    r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,255}:)[^\s:/@]{3,255}(?=@)",  # scheme://user:secret@
)


@dataclass(frozen=True)
class Redactor:
    """Replaces known secret values and secret-looking forms by `[redacted]`."""

    values: re.Pattern[str] | None
    forms: re.Pattern[str]

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        names: Iterable[str] = (),
        patterns: Iterable[str] = (),
    ) -> Redactor:
        """Learn the secrets of this process: values of variables whose name matches.

        Raises re.error if a pattern is not a regular expression (the matrix loader checks first).
        """
        wanted = [*NAMES, *(name.upper() for name in names)]
        secrets = {
            value
            for name, value in environment.items()
            if len(value) >= SHORTEST_SECRET and _matches(name, wanted)
        }
        spellings = sorted({s for secret in secrets for s in _spellings(secret)}, key=len)
        literal = "|".join(re.escape(s) for s in reversed(spellings))
        extra = [f"(){_without_groups(p)}" for p in patterns]
        forms = "|".join(_numbered(p, i) for i, p in enumerate([*PATTERNS, *extra]))
        return cls(re.compile(literal) if literal else None, re.compile(forms))

    def __call__(self, text: str) -> str:
        if self.values is not None:
            text = self.values.sub(MASK, text)
        return self.forms.sub(_keep_prefix, text)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.upper(), pattern) for pattern in patterns)


def _spellings(secret: str) -> Iterator[str]:
    """Yield the secret and the forms it takes in base64, whatever stands before it."""
    yield secret
    for line in secret.splitlines():
        if len(line) >= SHORTEST_SECRET:
            yield line
    raw = secret.encode("utf-8", "surrogateescape")
    for offset in range(3):
        # Only the characters that depend on nothing but the secret are certain.
        padded = base64.b64encode(b"\0" * offset + raw).decode("ascii")
        start = (0, 2, 3)[offset]
        end = len(padded) - (0 if (len(raw) + offset) % 3 == 0 else 4 - (len(raw) + offset) % 3)
        sure = padded[start:end].rstrip("=")
        if len(sure) >= SHORTEST_SECRET:
            yield sure
            yield sure.replace("+", "-").replace("/", "_")


def _without_groups(pattern: str) -> str:
    """Turn capturing groups of a user's pattern into plain ones; keep escapes as they are."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)


def _numbered(pattern: str, index: int) -> str:
    return f"(?:{pattern.replace('(', f'(?P<keep{index}>', 1)})"


def _keep_prefix(match: re.Match[str]) -> str:
    kept = next((text for text in match.groups() if text), "")
    return f"{kept}{MASK}"
