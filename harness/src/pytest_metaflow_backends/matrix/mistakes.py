"""Everything that is wrong with a matrix, each mistake as one line with its place."""

from __future__ import annotations

import datetime as dt
import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends import capabilities
from pytest_metaflow_backends.matrix.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from jsonschema.exceptions import ValidationError

    from pytest_metaflow_backends.matrix.source import Place, Source

# Markers of pytest, of common plugins, and our own that no backend may be called.
TAKEN = frozenset(
    {"skip", "skipif", "xfail", "parametrize", "usefixtures", "filterwarnings", "tryfirst",
     "trylast", "timeout", "flaky", "smoke", "slow", "faults", "needs", "backends", "and", "or",
     "not", "pytestmark"}
)  # fmt: skip


def schema() -> dict[str, Any]:
    """Give the published JSON Schema of matrix.yaml."""
    text = files(__package__).joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def mistakes(source: Source, kinds: Collection[str]) -> list[str]:
    """List what is wrong, in the order of the file; `kinds` are the installed backend kinds."""
    found = list(_against_schema(source))
    if not found:  # the rest relies on the shape
        found = list(_against_meaning(source, kinds))
    return [
        f"{source.where(place, key=key)}: {text}" for place, key, text in _sorted(found, source)
    ]


Mistake = tuple["Place", bool, str]  # where, at its key?, what


def _sorted(found: list[Mistake], source: Source) -> list[Mistake]:
    def position(mistake: Mistake) -> tuple[int, int]:
        line, column = source.where(mistake[0], key=mistake[1]).rsplit(":", 2)[1:]
        return int(line), int(column)

    return sorted(found, key=position)


def _against_schema(source: Source) -> Iterator[Mistake]:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema()).iter_errors(source.data):
        yield from _said(_deepest(error))


def _deepest(error: ValidationError) -> ValidationError:
    """Of several alternatives that all fail, take the one that came furthest."""
    if not error.context:
        return error
    return max(error.context, key=lambda e: (len(e.absolute_path), e.validator != "type"))


def _said(error: Any) -> Iterator[Mistake]:  # noqa: ANN401 - its parts may be `Unset`
    place: Place = tuple(error.absolute_path)
    name = _called(place)
    if error.validator == "additionalProperties":
        known = set(error.schema.get("properties", ()))
        for extra in sorted(set(error.instance) - known):
            yield (*place, extra), True, f"unknown key {extra!r}{did_you_mean(extra, known)}"
    elif error.validator == "required":
        missing = sorted(set(error.validator_value) - set(error.instance))
        # jsonschema reports each missing key by itself; its message starts with the key.
        gone = next(key for key in missing if error.message.startswith(repr(key)))
        yield place, True, f"{name} lacks the key {gone!r}"
    elif "propertyNames" in error.absolute_schema_path:
        bad = str(error.instance)
        yield (
            (*place, bad),
            True,
            f"{bad!r} is not a valid name (it must match {error.schema['pattern']})",
        )
    else:
        yield place, False, f"{name}: {_expected(error)}"


def _called(place: Place) -> str:
    """Name a part as a person would: by its key, and its number if it is an item of a list."""
    if not place:
        return "the document"
    return f"{place[-2]}[{place[-1]}]" if isinstance(place[-1], int) else place[-1]


def _expected(error: Any) -> str:  # noqa: ANN401
    value, rule = error.instance, error.validator_value
    if error.validator == "type":
        kinds = [rule] if isinstance(rule, str) else rule
        return f"expected {' or '.join(kinds)}, not {_shown(value)}"
    if error.validator == "enum":
        near = did_you_mean(str(value), [str(r) for r in rule])
        return f"{_shown(value)} is not one of {', '.join(map(str, rule))}{near}"
    if error.validator == "const":
        return f"must be {rule!r}, not {_shown(value)}"
    if error.validator == "pattern":
        return f"{_shown(value)} is not valid here: {error.schema.get('description', rule)}"
    if error.validator in {"minProperties", "minItems"}:
        return "must not be empty"
    return str(error.message)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line stays readable


def _against_meaning(source: Source, kinds: Collection[str]) -> Iterator[Mistake]:
    data = source.data
    for name, backend in data["backends"].items():
        yield from _backend(("backends", name), name, backend, kinds)
    names = _column_names(data)
    for index, entry in enumerate(data.get("expect_failures", ())):
        yield from _expectation(("expect_failures", index), entry, names)
    for index, rule in enumerate(data.get("select", {}).get("rules", ())):
        for number, name in enumerate(rule["backends"]):
            if name not in names:
                place = ("select", "rules", index, "backends", number)
                yield place, False, f"unknown backend {name!r}{did_you_mean(name, names)}"
    for number, pattern in enumerate(data.get("redact", {}).get("patterns", ())):
        if problem := _not_a_regex(pattern):
            yield ("redact", "patterns", number), False, f"not a regular expression: {problem}"


def _backend(
    place: Place, name: str, backend: dict[str, Any], kinds: Collection[str]
) -> Iterator[Mistake]:
    if name in TAKEN:
        yield place, True, f"a backend cannot be called {name!r}: that is a marker of pytest's own"
    if backend["kind"] not in kinds:
        near = did_you_mean(backend["kind"], kinds)
        yield (*place, "kind"), False, f"unknown kind {backend['kind']!r}{near}"
    variants = backend.get("variants", {})
    if backend.get("base") is False and not variants:
        yield (*place, "base"), False, "base: false needs at least one variant"
    yield from _provides(place, backend)
    for variant, settings in variants.items():
        yield from _provides((*place, "variants", variant), settings or {})


def _provides(place: Place, settings: dict[str, Any]) -> Iterator[Mistake]:
    for number, name in enumerate(settings.get("provides", ())):
        if name not in capabilities.VOCABULARY:
            near = did_you_mean(name, capabilities.VOCABULARY)
            yield (*place, "provides", number), False, f"unknown capability {name!r}{near}"


def _expectation(place: Place, entry: dict[str, Any], names: Collection[str]) -> Iterator[Mistake]:
    if entry["backend"] not in names:
        near = did_you_mean(entry["backend"], names)
        yield (*place, "backend"), False, f"unknown backend {entry['backend']!r}{near}"
    try:
        dt.date.fromisoformat(entry["until"])
    except ValueError:
        yield (*place, "until"), False, f"until: {entry['until']!r} is not a date (YYYY-MM-DD)"


def _column_names(data: dict[str, Any]) -> set[str]:
    names = set(data["backends"])
    for name, backend in data["backends"].items():
        names |= {f"{name}/{variant}" for variant in backend.get("variants", {})}
    return names


def _not_a_regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    return ""
