"""Read matrix.yaml: every mistake is one line with its place, what is right is frozen data."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.errors import UsageError
from pytest_metaflow_backends.matrix import model
from pytest_metaflow_backends.matrix.durations import seconds
from pytest_metaflow_backends.matrix.mistakes import mistakes
from pytest_metaflow_backends.matrix.source import Source

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_metaflow_backends.matrix.mistake import Place

Data = dict[str, Any]
DEFAULTS: Mapping[str, Any] = {"timeout": "10m", "retries": {"infra": 2, "test": 0}}
START_TIMEOUT = "5m"
MERGED = ("options", "environment", "deploy_args")  # of a variant and its backend


def load(path: Path, kinds: Collection[str] | None = None) -> model.Matrix:
    """Load a matrix; `kinds` (default: the installed ones) are the backend kinds it may name.

    Raises UsageError with one line per mistake: `path:line:col: what is wrong`.
    """
    source = Source.read(path)
    if found := mistakes(source, _installed() if kinds is None else kinds):
        raise UsageError("\n".join(found))
    data = source.data
    select = data.get("select", {})
    return model.Matrix(
        path=path,
        columns=_sharing(tuple(_columns(source)), data),
        expectations=tuple(_expectations(source)),
        redact=_redact(data.get("redact", {})),
        select_always=tuple(select.get("always", ())),
        select_rules=tuple(map(_rule, select.get("rules", ()))),
        flaky_budget=data.get("flaky", {}).get("budget"),
        marker_prefix=data.get("marker_prefix", ""),
        allowed_differences=data.get("allowed_differences"),
    )


def _installed() -> tuple[str, ...]:
    from metaflow_backends import registry

    return registry.kinds()


def _redact(data: Data) -> model.RedactRules:
    """Take the rules; variables are compared in upper case, so their patterns must be in it too."""
    return model.RedactRules(
        env=tuple(pattern.upper() for pattern in data.get("env", ())),
        patterns=tuple(data.get("patterns", ())),
    )


def _rule(rule: Data) -> model.SelectRule:
    tests = rule.get("tests")
    return model.SelectRule(
        paths=tuple(rule["paths"]),
        backends=tuple(rule["backends"]),
        tests=None if tests is None else tuple(tests),
    )


def _columns(source: Source) -> Iterator[model.Column]:
    data: Data = source.data
    defaults = _merged(DEFAULTS, data.get("defaults", {}))
    for name, backend in data["backends"].items():
        settings = _merged(defaults, backend)
        if backend.get("base", True):
            own_place = _place(source, ("backends", name))
            yield _column(name, None, {"default": True, **settings}, own_place)
        for variant, own in backend.get("variants", {}).items():
            chosen = {**_merged(settings, own or {}), "default": (own or {}).get("default", False)}
            place = _place(source, ("backends", name, "variants", variant))
            yield _column(name, variant, chosen, place)


def _sharing(columns: Sequence[model.Column], data: Data) -> tuple[model.Column, ...]:
    """Give the columns that share another one that one."""
    by_name = {column.name: column for column in columns}
    hosts = {column.name: _host(column, data) for column in columns}
    return tuple(
        replace(column, shares=by_name[host]) if (host := hosts[column.name]) else column
        for column in columns
    )


def _host(column: model.Column, data: Data) -> str | None:
    backend = data["backends"][column.backend]
    own = (backend.get("variants", {}).get(column.variant) or {}) if column.variant else {}
    host: str | None = own.get("shares", backend.get("shares"))
    return host


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Data:
    """Lay settings over others; `MERGED` ones, retries and start are merged key by key."""
    joined = {**below, **above}
    for key in (*MERGED, "retries", "start"):
        if below.get(key) and above.get(key):
            joined[key] = {**below[key], **above[key]}
    return joined


def _place(source: Source, place: Place) -> str:
    """Say where a column's options stand, or else the column itself."""
    return source.where((*place, "options"))


def _column(backend: str, variant: str | None, settings: Data, where: str) -> model.Column:
    required = settings.get("required", False)
    decospec = settings.get("decospec") or ()
    provides = settings.get("provides")
    return model.Column(
        backend=backend,
        variant=variant,
        kind=settings["kind"],
        required=required if isinstance(required, bool) else tuple(required),
        provides=None if provides is None else frozenset(provides),
        timeout=seconds(settings["timeout"]),
        start_timeout=seconds(settings.get("start", {}).get("timeout", START_TIMEOUT)),
        retries=model.Retries(**{cause: int(n) for cause, n in settings["retries"].items()}),
        workers=int(settings["workers"]) if "workers" in settings else None,
        provider=settings.get("provider"),
        decospecs=(decospec,) if isinstance(decospec, str) else tuple(decospec),
        scheduler_type=settings.get("scheduler_type"),
        cluster=settings.get("cluster"),
        deploy_args=settings.get("deploy_args") or {},
        environment=settings.get("environment", {}),
        options=settings.get("options", {}),
        where=where,
        default=settings["default"],
    )


def _expectations(source: Source) -> Iterator[model.Expectation]:
    for index, entry in enumerate(source.data.get("expect_failures", ())):
        where = f"{source.path}:{source.position(('expect_failures', index))[0]}"
        yield model.Expectation(
            column=entry["backend"],
            test=entry["test"],
            reason=entry["reason"],
            owner=entry["owner"],
            until=dt.date.fromisoformat(entry["until"]),
            where=where,
            issue=str(entry.get("issue", "")),
        )
