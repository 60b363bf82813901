"""Forms that give a secret away wherever they stand, and which of them a text may hold at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from metaflow_backends.keys import FORM, PREFIX

from pytest_metaflow_backends.spellings import MASK

if TYPE_CHECKING:
    from collections.abc import Iterable

# Each form captures what may stay in group 1. Before it, words of which a text in ASCII has one if
# it holds the form: they are found a hundred times as fast. Without words it is always looked for.
_FORMS: tuple[tuple[tuple[str, ...], str], ...] = (
    (("akia", "asia"), r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),  # AWS access key id
    ((PREFIX,), rf"()\b{FORM}\b"),  # keys of our own backends
    (("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"()\bgh[pousr]_[A-Za-z0-9]{20,255}\b"),  # GitHub
    (("github_pat_",), r"()\bgithub_pat_[A-Za-z0-9_]{20,255}\b"),
    (("xox",), r"()\bxox[abprs]-[A-Za-z0-9-]{10,250}\b"),  # Slack
    (  # JWT
        ("eyj",),
        r"()\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,2000}",
    ),
    (
        ("authorization",),
        (
            r"((?i:authorization)[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:(?i:bearer|basic|token)\s{1,4})?)"
            r"[^\s\"',;]{6,4000}"
        ),
    ),
    (
        ("x-nomad-token", "x-vault-token", "x-api-key"),
        (
            r"((?i:x-nomad-token|x-vault-token|x-api-key)[\"']?\s{0,4}[:=]\s{0,4}[\"']?)"
            r"[^\s\"',;]{6,4000}"
        ),
    ),
    (  # kubeconfig
        ("client-key-data", "client-certificate-data", "token:"),
        r"(\b(?:client-key-data|client-certificate-data|token):\s{1,4})[^\s\"']{6,20000}",
    ),
    (
        ("private key-----",),
        (
            r"()-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]{0,20000}"
            r"(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
        ),
    ),
    (  # scheme://user:secret@, where a port with its path is no secret, and the last @ ends one
        ("://",),
        (
            r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,255}:)(?!\d{1,5}[/?#][^:@]{0,255}@)"
            r"(?:(?:(?!://)[^\s\"'<>`]){3,255}|[^\s:/@]{3,255})(?=@)"
        ),
    ),
)


class SecretForms:
    """Masks what looks like a secret, of our forms and of a matrix's own."""

    def __init__(self, patterns: Iterable[str] = ()) -> None:
        """Take further forms. Raises re.error if one is not a regular expression."""
        own = tuple(((), f"(){_without_groups(pattern)}") for pattern in patterns)
        self._forms = (*_FORMS, *own)
        self._all = tuple(range(len(self._forms)))
        self._compiled: dict[tuple[int, ...], re.Pattern[str]] = {}
        self._expression(self._all)

    def masked(self, text: str) -> str:
        """Mask every form in a text, all but what names it."""
        possible = self._possible(text)
        return self._expression(possible).sub(_keep_prefix, text) if possible else text

    def _possible(self, text: str) -> tuple[int, ...]:
        """Name the forms that a text may hold; beyond ASCII other letters may be alike."""
        if not text.isascii():
            return self._all
        lower = text.lower()
        return tuple(
            index
            for index, (words, _) in enumerate(self._forms)
            if not words or any(word in lower for word in words)
        )

    def _expression(self, forms: tuple[int, ...]) -> re.Pattern[str]:
        """Give one expression for some forms; where two match, the earlier one counts."""
        if forms not in self._compiled:
            parts = (_numbered(self._forms[index][1], index) for index in forms)
            self._compiled[forms] = re.compile("|".join(parts))
        return self._compiled[forms]


def _without_groups(pattern: str) -> str:
    """Turn capturing groups of a user's pattern into plain ones; keep escapes as they are."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)


def _numbered(pattern: str, index: int) -> str:
    return f"(?:{pattern.replace('(', f'(?P<keep{index}>', 1)})"


def _keep_prefix(match: re.Match[str]) -> str:
    kept = next((text for text in match.groups() if text), "")
    return f"{kept}{MASK}"
