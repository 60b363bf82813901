"""What one process of a pytest run knows about the matrix it serves."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from pytest_metaflow_backends import selection, sessioninfo
from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix.load import load
from pytest_metaflow_backends.matrix.patterns import bad_regex
from pytest_metaflow_backends.redact import Redactor
from pytest_metaflow_backends.vetting import vet

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_metaflow_backends.matrix.model import Column, Matrix

WORKER_KEY = "metaflow_backends"


@dataclass(frozen=True)
class RunContext:
    """The settings of this run, the same in the controller and in every xdist worker."""

    matrix: Matrix
    columns: tuple[Column, ...]
    required: frozenset[str]  # names of columns whose absence is red
    forced: frozenset[str]  # of these, the ones asked for by --metaflow-require
    context: str
    session: str
    owner: int  # pid of the controller
    worker: str  # "" in the controller, else gw0, gw1, ...
    records: Path | None
    state: Path
    redact: Redactor
    probe_undeclared: bool
    deadline: float | None  # seconds since the epoch

    @property
    def controlling(self) -> bool:
        return not self.worker

    def column(self, name: str) -> Column:
        """Find one of this run's columns; KeyError if it takes no part."""
        return next(column for column in self.columns if column.name == name)


RUN = pytest.StashKey[RunContext]()


def from_config(config: pytest.Config, matrix_path: Path) -> RunContext:
    """Read matrix and options; raises UsageError with one line per mistake."""
    option = config.option
    matrix = load(matrix_path)
    context = option.metaflow_context or sessioninfo.context_of(os.environ)
    columns = _columns(matrix, option)
    vet(columns)
    forced = (
        selection.columns_asked(matrix, _names(option.metaflow_require), all_variants=False)
        if option.metaflow_require
        else ()
    )
    shared = getattr(config, "workerinput", {}).get(WORKER_KEY, {})
    patterns = _patterns(config)
    return RunContext(
        matrix=matrix,
        columns=_joined(columns, forced),
        required=frozenset(c.name for c in columns if c.required_in(context))
        | frozenset(c.name for c in forced),
        forced=frozenset(c.name for c in forced),
        context=context,
        session=shared.get("session") or sessioninfo.new_session_id(),
        owner=shared.get("owner") or os.getpid(),
        worker=getattr(config, "workerinput", {}).get("workerid", ""),
        records=_folder(config, option.metaflow_records),
        state=_folder(config, option.metaflow_state) or config.rootpath / ".metaflow-backends",
        redact=redactor(matrix, os.environ, patterns),
        probe_undeclared=option.metaflow_probe_undeclared,
        deadline=_deadline(option.metaflow_deadline, shared.get("deadline")),
    )


def _patterns(config: pytest.Config) -> list[str]:
    """Collect what plugins want masked; raises UsageError for one that would not do it."""
    patterns = [p for found in config.hook.pytest_metaflow_redact() for p in found]
    for pattern in patterns:
        if wrong := bad_regex(pattern):
            raise UsageError(f"pytest_metaflow_redact gave {pattern!r}: {wrong}")
    return patterns


def redactor(
    matrix: Matrix, environment: Mapping[str, str], patterns: Iterable[str] = ()
) -> Redactor:
    """Know what is secret by the matrix and the environment; backends add their own once up."""
    known = Redactor(matrix.redact.env, [*matrix.redact.patterns, *patterns])
    settings = [(c.environment, c.options, c.deploy_args) for c in matrix.columns]
    known.learn(environment, settings)
    return known.settle()


def _columns(matrix: Matrix, option: object) -> tuple[Column, ...]:
    """Take the columns that were named, else the default ones and those that `-m` names."""
    named = _names(getattr(option, "metaflow_backend", None))
    every = bool(getattr(option, "metaflow_all_variants", False))
    if named:
        return selection.columns_asked(matrix, named, all_variants=every)
    expression = getattr(option, "markexpr", "") or ""
    words = selection.marker_names(expression)
    asked = [b for b in matrix.backends() if matrix.marker(b) in words]
    extra = selection.columns_asked(matrix, asked, all_variants=every) if asked else ()
    default = tuple(c for c in matrix.columns if c.default or every)
    return _joined(default, extra)


def _joined(first: Sequence[Column], second: Sequence[Column]) -> tuple[Column, ...]:
    return tuple({column.name: column for column in [*first, *second]}.values())


def _names(values: Sequence[str] | None) -> list[str]:
    """Give the names of an option; one that was given and names nothing chooses nothing by chance.

    An empty variable on a command line would otherwise mean the same as no option at all.
    """
    names = [name.strip() for value in values or () for name in value.split(",") if name.strip()]
    if values and not names:
        raise UsageError(f"{', '.join(map(repr, values))} names no column")
    return names


def _folder(config: pytest.Config, value: str | None) -> Path | None:
    return (config.invocation_params.dir / value).absolute() if value else None


def _deadline(seconds: float | None, shared: float | None) -> float | None:
    if shared is not None:
        return shared
    return None if seconds is None else time.time() + seconds
