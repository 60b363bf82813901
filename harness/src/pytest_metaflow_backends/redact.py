"""Keep secrets out of everything that is written down.

Redaction happens when a text is recorded, before it is cut: half a secret no longer matches.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends import unseen
from pytest_metaflow_backends.secretforms import SecretForms
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
        self._forms = SecretForms(patterns)
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
        return self._forms.masked(text)

    def _joined(self, text: str, values: re.Pattern[str] | None) -> str:
        """Give a text as it is seen; forms that can be told in it as it is are masked before."""
        parts = values.split(text) if values else [text]
        parts[::2] = [self._forms.masked(part) for part in parts[::2]]
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
