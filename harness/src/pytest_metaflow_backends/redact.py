"""Keep secrets out of everything that is written down.

Redaction happens when a text is recorded, before it is cut: half a secret no longer matches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from metaflow_backends.keys import FORM

from pytest_metaflow_backends import unseen
from pytest_metaflow_backends.spellings import (
    MASK,
    SHORTEST_SECRET,
    any_of,
    spellings,
    without_halves,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Names that hold secrets by convention, in addition to those of the matrix.
NAMES = (
    "*TOKEN*",
    "*SECRET*",
    "*PASSWORD*",
    "*PASSWD*",
    "*PASSPHRASE*",
    "*_PASS",
    "*_PWD",
    "*CREDENTIAL*",
    "*_KEY",
    "*APIKEY*",
    "*ACCESS_KEY*",
    "*ACCESSKEY*",
)
# Forms that give a secret away wherever they stand. Each captures what may stay in group 1.
PATTERNS = (
    r"()\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",  # AWS access key id
    rf"()\b{FORM}\b",  # keys of our own backends
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
    # scheme://user:secret@, where a port with its path is no secret, and the last @ ends one
    (
        r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{0,255}:)(?!\d{1,5}[/?#][^:@]{0,255}@)"
        r"(?:(?:(?!://)[^\s\"'<>`]){3,255}|[^\s:/@]{3,255})(?=@)"
    ),
)


class Redactor:
    """Replaces known secret values and secret-looking forms by `[redacted]`.

    It learns: a backend's own keys are only known once it is up. Calls with the same text give the
    same answer until then.
    """

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        """Take patterns of names beside our own, and of texts.

        Raises re.error if one is not a regular expression (the matrix loader checks first).
        """
        self._names = (*NAMES, *(name.upper() for name in names))
        extra = [f"(){_without_groups(p)}" for p in patterns]
        self._forms = re.compile(
            "|".join(_numbered(p, i) for i, p in enumerate([*PATTERNS, *extra]))
        )
        self._known: frozenset[str] = frozenset()
        self._values: re.Pattern[str] | None = None
        self._early: tuple[frozenset[str], re.Pattern[str] | None] | None = None
        self._longest = 0
        self._names_seen: dict[str, str] = {}

    @classmethod
    def from_environment(
        cls,
        environment: Mapping[str, str],
        names: Iterable[str] = (),
        patterns: Iterable[str] = (),
    ) -> Redactor:
        """Learn the secrets of this process: values of variables whose name matches."""
        redactor = cls(names, patterns)
        redactor.learn(environment)
        return redactor

    def learn(self, *settings: object) -> None:
        """Learn every text below a name that matches, at any depth of mappings and lists."""
        found = {text for item in settings for text in self._secrets(item)} - self._known
        spelled = {s for secret in found for s in spellings(secret)} - self._known
        if spelled:
            self._known |= spelled
            self._values = re.compile(f"({any_of(self._known)})")
            self._longest = max(map(len, self._known))

    def __call__(self, text: str) -> str:
        return self._masked(text, self._values, self._known)

    def settle(self) -> Redactor:
        """Let `name` go on with what is known now; to be called once, before tests are named."""
        self._early = self._known, self._values
        return self

    def name(self, text: str) -> str:
        """Redact the name of a test, alike all the time: rows and plans are joined by it.

        What is learned later cannot stand in it, save by chance.
        """
        known, values = self._early or (self._known, self._values)
        masked = self._names_seen.get(text)
        if masked is None:
            masked = self._masked(text, values, known)
            if self._early is not None:
                self._names_seen[text] = masked  # asked again when the test starts and ends
        return masked

    def _masked(self, text: str, values: re.Pattern[str] | None, known: frozenset[str]) -> str:
        masked = self._found(text, values, known)
        if not unseen.parted(text):
            return masked
        seen = self._found(self._joined(text, values), values, known)
        return masked if unseen.alike(unseen.joined(masked, values), seen) else seen

    def _found(self, text: str, values: re.Pattern[str] | None, known: frozenset[str]) -> str:
        """Mask what stands in a text in one piece."""
        if values is not None:
            text = values.sub(MASK, text)
            if "..." in text:
                text = without_halves(text, known, self._longest)
        return self._forms.sub(_keep_prefix, text)

    def _joined(self, text: str, values: re.Pattern[str] | None) -> str:
        """Give a text as it is seen; forms that can be told in it as it is are masked before."""
        parts = values.split(text) if values else [text]
        parts[::2] = [self._forms.sub(_keep_prefix, part) for part in parts[::2]]
        return unseen.joined("".join(parts), values)

    def leaves(self, data: Any) -> Any:  # noqa: ANN401 - JSON, and the enums of records
        """Redact every text of a structure, names of members included; enums are closed sets."""
        if isinstance(data, str):
            return data if isinstance(data, Enum) else self(data)
        if isinstance(data, dict):
            return {self.leaves(name): self.leaves(value) for name, value in data.items()}
        if isinstance(data, list | tuple):
            return [self.leaves(item) for item in data]
        return data

    def _secrets(self, data: object, *, named: bool = False) -> Iterator[str]:
        if isinstance(data, Mapping):
            for name, value in data.items():
                yield from self._secrets(value, named=named or _matches(str(name), self._names))
        elif isinstance(data, list | tuple):
            for item in data:
                yield from self._secrets(item, named=named)
        elif named and isinstance(data, str) and len(data) >= SHORTEST_SECRET:
            yield data


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.upper(), pattern) for pattern in patterns)


def _without_groups(pattern: str) -> str:
    """Turn capturing groups of a user's pattern into plain ones; keep escapes as they are."""
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)


def _numbered(pattern: str, index: int) -> str:
    return f"(?:{pattern.replace('(', f'(?P<keep{index}>', 1)})"


def _keep_prefix(match: re.Match[str]) -> str:
    kept = next((text for text in match.groups() if text), "")
    return f"{kept}{MASK}"
