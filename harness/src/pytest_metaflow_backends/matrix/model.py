"""The matrix as frozen data; nothing past the loader sees a dict of settings."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path


@dataclass(frozen=True)
class Retries:
    """How often a failed test is tried again, by cause; product failures are never retried."""

    infra: int = 2
    test: int = 0


@dataclass(frozen=True)
class Column:
    """One column of the grid: a backend, or one variant of it."""

    backend: str
    variant: str | None
    kind: str  # entry-point name in the group `metaflow_backends`
    required: bool | tuple[str, ...]  # everywhere, or only in these contexts (ci, nightly)
    provides: frozenset[str] | None  # capabilities; None = what the backend itself declares
    timeout: float  # seconds per flow
    start_timeout: float  # seconds
    retries: Retries
    workers: int | None = None  # pytest-xdist workers; None = no xdist
    provider: str | None = None
    decospecs: tuple[str, ...] = ()
    scheduler_type: str | None = None
    cluster: str | None = None
    deploy_args: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    where: str = field(default="", compare=False)  # file:line:column of its options, else of it
    shares: Column | None = None  # started in its place: this one is another way to use it
    default: bool = True  # False: only runs if asked for by name or by --metaflow-all-variants

    @property
    def name(self) -> str:
        return f"{self.backend}/{self.variant}" if self.variant else self.backend

    @property
    def started(self) -> Column:
        """Give the column that has to be up for this one."""
        return self.shares or self

    def required_in(self, context: str) -> bool:
        """Tell whether a missing backend makes a run in this context red."""
        return self.required if isinstance(self.required, bool) else context in self.required

    def unasked(self, context: str) -> bool:
        """Tell if it is meant where no column is named: by default, or because it is required.

        A variant that is not default inherits `required`, and must be there once it is named.
        """
        return self.default or (self.variant is None and self.required_in(context))


@dataclass(frozen=True)
class Expectation:
    """A known failure: strict, owned, and only until a date."""

    column: str  # "nomad" (all its variants) or "nomad/exec"
    test: str  # key, an fnmatch pattern
    reason: str
    owner: str
    until: date
    where: str  # file:line, for messages
    issue: str = ""

    def covers(self, key: str, column: str) -> bool:
        """Tell if it speaks of this test in this column.

        A key that stands there letter by letter matches too, although `[` means something else to
        fnmatch.
        """
        if self.column not in {column, column.partition("/")[0]}:
            return False
        return self.test == key or fnmatch.fnmatchcase(key, self.test.replace("[", "[[]"))

    def expired(self, today: date) -> bool:
        return today > self.until


@dataclass(frozen=True)
class RedactRules:
    """What must never reach a record: variables by name pattern, and text patterns."""

    env: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


@dataclass(frozen=True)
class SelectRule:
    """Changed paths that match need these columns, and these tests (None = all)."""

    paths: tuple[str, ...]
    backends: tuple[str, ...]
    tests: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Matrix:
    """The whole of `matrix.yaml`, validated."""

    path: Path
    columns: tuple[Column, ...]
    expectations: tuple[Expectation, ...] = ()
    redact: RedactRules = RedactRules()
    select_always: tuple[str, ...] = ()
    select_rules: tuple[SelectRule, ...] = ()
    flaky_budget: int | None = None  # more flaky tests than this are red
    marker_prefix: str = ""
    allowed_differences: str | None = None  # a path beside the matrix; None = the default one

    def backends(self) -> tuple[str, ...]:
        """Name the backends in file order, each once."""
        return tuple(dict.fromkeys(column.backend for column in self.columns))

    def column(self, name: str) -> Column:
        """Find one column by `backend` or `backend/variant`; LookupError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise LookupError(name)

    def marker(self, backend: str) -> str:
        """Name the pytest marker of a backend."""
        return f"{self.marker_prefix}{backend}"
