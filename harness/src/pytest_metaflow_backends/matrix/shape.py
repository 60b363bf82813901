"""Hold plain data against the published JSON Schema, and say in words what does not fit."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from pytest_metaflow_backends.matrix.mistake import Mistake, dotted, shown
from pytest_metaflow_backends.matrix.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_metaflow_backends.matrix.mistake import Place

TYPES: Mapping[str, str] = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "null": "nothing",
}
NAMES: Mapping[str, str] = {
    "backends": "a backend: it is a marker, of a-z, 0-9 and _, beginning with a letter",
    "variants": "a variant: it is of a-z, 0-9, _, . and -, beginning with a letter or digit",
    "environment": "a variable: it is of letters, digits and _, beginning with no digit",
}
HOMES = 2  # places that are named where a key belongs to several


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Give the published JSON Schema of matrix.yaml; callers must not change it."""
    text = files(__package__).joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def misfits(data: object) -> Iterator[Mistake]:
    """Yield what the schema refuses, in no particular order and perhaps more than once."""
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(schema()).iter_errors(data):
        yield from _said(_furthest(error))


def _furthest(error: Any) -> Any:  # noqa: ANN401 - jsonschema's ValidationError, parts may be `Unset`
    """Of several alternatives that all fail take the one that came furthest, if one did."""
    deeper = [e for e in error.context or () if len(e.absolute_path) > len(error.absolute_path)]
    fitting = deeper or [e for e in error.context or () if e.validator != "type"]
    return fitting[0] if fitting else error


def _said(error: Any) -> Iterator[Mistake]:  # noqa: ANN401
    place: Place = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = set(error.schema.get("properties", ()))
        for extra in sorted(set(error.instance) - known):
            text = f"unknown key {shown(extra)}{_hint(extra, known)}"
            yield Mistake((*place, extra), text, at_key=True)
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        keys = f"key{'s' if missing[1:] else ''} {', '.join(map(repr, missing))}"
        yield Mistake(place, f"{dotted(place)} lacks the {keys}", at_key=True)
    elif "propertyNames" in error.absolute_schema_path:
        yield Mistake((*place, error.instance), _bad_name(error), at_key=True)
    else:
        yield Mistake(place, f"{dotted(place)}: {_expected(error)}")


def _hint(extra: str, known: set[str]) -> str:
    """Say where a key belongs that stands in the wrong place, else which one was meant."""
    homes = [home for home in _homes(schema()) if home.rpartition(".")[2] == extra]
    if homes:
        nearest_top = sorted(homes, key=lambda home: (home.count("."), home))[:HOMES]
        return f" here; it belongs to {' or '.join(nearest_top)}"
    return did_you_mean(extra, known)


def _homes(spec: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Yield the dotted way to every key that the schema names, e.g. backends.NAME.kind."""
    for name, inner in spec.get("properties", {}).items():
        yield f"{above}{name}"
        yield from _homes(resolved(inner), f"{above}{name}.")
    if isinstance(free := spec.get("additionalProperties"), dict):
        yield from _homes(resolved(free), f"{above}NAME.")
    if "items" in spec:
        yield from _homes(resolved(spec["items"]), f"{above.rstrip('.')}[].")


def resolved(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow a `$ref` into `$defs`."""
    name = spec.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = schema()["$defs"][name] if name else spec
    return found


def _bad_name(error: Any) -> str:  # noqa: ANN401
    where = error.absolute_schema_path
    kind = next(kind for kind in ("environment", "variants", "backends") if kind in where)
    return f"{shown(error.instance)} is not a valid name for {NAMES[kind]}"


def _expected(error: Any) -> str:  # noqa: ANN401
    value, rule = error.instance, error.validator_value
    if error.validator in {"type", "anyOf"}:
        return f"expected {_types(error.schema)}, not {shown(value)}{_remedy(error)}"
    if error.validator == "enum":
        near = did_you_mean(str(value), rule) if isinstance(value, str) else ""
        return f"{shown(value)} is not one of {', '.join(rule)}{near}"
    if error.validator == "const":
        return f"must be {rule}, not {shown(value)}"
    if error.validator == "uniqueItems":
        twice = next(item for index, item in enumerate(value) if item in value[:index])
        return f"{shown(twice)} stands here twice"
    return _bound(error)


def _bound(error: Any) -> str:  # noqa: ANN401
    value, rule = error.instance, error.validator_value
    if error.validator in {"minProperties", "minItems", "minLength"}:
        return "must not be empty"
    if error.validator in {"minimum", "maximum"}:
        bound = "least" if error.validator == "minimum" else "most"
        return f"must be at {bound} {rule}, not {shown(value)}"
    return f"{shown(value)} does not fit: {error.schema.get('description', rule)}"


def _types(spec: Mapping[str, Any]) -> str:
    """Name in words what may stand somewhere."""
    options = spec.get("anyOf", [spec])
    listed = [option.get("type", "string") for option in options]
    flat = [name for names in listed for name in ([names] if isinstance(names, str) else names)]
    return " or ".join(TYPES[name] for name in flat if name != "null")


def _remedy(error: Any) -> str:  # noqa: ANN401
    """Say how to write what was probably meant: YAML's own traps."""
    value, wanted = error.instance, _types(error.schema)
    if "true or false" in wanted and value in ("yes", "on", "no", "off", "y", "n"):
        return f"; write {'true' if value in ('yes', 'on', 'y') else 'false'}"
    if error.schema.get("format") == "date":
        return "; write YYYY-MM-DD"
    if wanted == "text" and isinstance(value, (bool, int, float)):
        return "; put it in quotes"
    if "a list" in wanted and isinstance(value, str):
        return f"; write [{dotted((value,))}]"
    return ""
