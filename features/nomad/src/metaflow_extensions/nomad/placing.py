"""Where a task may run, as the decorator says it and as Nomad's API names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.nomad.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Source: Nomad's constraint block; `=` is also what an empty operator means.
OPERATORS = (
    "=", "==", "is", "!=", "not", ">=", "<=", ">", "<", "regexp", "version", "semver",
    "set_contains_all", "set_contains_any", "set_contains", "distinct_hosts", "distinct_property",
    "is_set", "is_not_set",
)  # fmt: skip
WEIGHT = 50  # of an affinity or a spread, of 100
_WORDS = "|".join(sorted(map(re.escape, OPERATORS), key=len, reverse=True))
_TEXT = re.compile(rf"(\S+)\s+({_WORDS})(?:\s+(.*))?")
_FORM = "'${attr.kernel.name} = linux' or {'attribute': ..., 'operator': ..., 'value': ...}"


@dataclass(frozen=True)
class Constraint:
    """What a node, or a device, must be."""

    attribute: str
    operator: str = "="
    value: str = ""

    @classmethod
    def of(cls, name: str, given: object) -> Constraint:
        said = _fields(name, given, {"attribute", "operator", "value"})
        return cls(str(said["attribute"]), said.get("operator", "="), str(said.get("value", "")))

    def body(self) -> dict[str, Any]:
        return {"LTarget": self.attribute, "Operand": self.operator, "RTarget": self.value}


@dataclass(frozen=True)
class Affinity:
    """What a node had better be; a negative weight: had better not."""

    constraint: Constraint
    weight: int = WEIGHT

    @classmethod
    def of(cls, name: str, given: object) -> Affinity:
        said = _fields(name, given, {"attribute", "operator", "value", "weight"})
        weight = _weight(name, said.pop("weight", WEIGHT), -100)
        return cls(Constraint.of(name, said), weight)

    def body(self) -> dict[str, Any]:
        return {**self.constraint.body(), "Weight": self.weight}


@dataclass(frozen=True)
class Spread:
    """Over which values of an attribute tasks are to be spread."""

    attribute: str
    weight: int = WEIGHT
    targets: tuple[tuple[str, int], ...] = ()  # (value, percent)

    @classmethod
    def of(cls, name: str, given: object) -> Spread:
        if isinstance(given, str):
            return cls(given)
        said = _fields(name, given, {"attribute", "weight", "targets"})
        targets = said.get("targets", {})
        if not isinstance(targets, dict):
            raise SpecError(f"@nomad: targets={targets!r} of {name} is no dict of value: percent")
        pairs = tuple((str(value), int(percent)) for value, percent in targets.items())
        return cls(str(said["attribute"]), _weight(name, said.get("weight", WEIGHT), 1), pairs)

    def body(self) -> dict[str, Any]:
        targets = [{"Value": value, "Percent": percent} for value, percent in self.targets]
        return {"Attribute": self.attribute, "Weight": self.weight, "SpreadTarget": targets}


def _fields(name: str, given: object, known: set[str]) -> dict[str, Any]:
    if isinstance(given, str):
        found = _TEXT.fullmatch(given.strip())
        if found is None:
            raise SpecError(f"@nomad: {name}: {given!r} is not of the form {_FORM}")
        return {"attribute": found[1], "operator": found[2], "value": (found[3] or "").strip()}
    if not isinstance(given, dict) or "attribute" not in given or set(given) - known:
        raise SpecError(f"@nomad: {name}: {given!r} is not of the form {_FORM}")
    if given.get("operator", "=") not in OPERATORS:
        raise SpecError(f"@nomad: {name}: {given['operator']!r} is no operator of Nomad")
    return dict(given)


def _weight(name: str, value: object, least: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 100:  # noqa: PLR2004 - Nomad's bound
        raise SpecError(f"@nomad: the weight {value!r} of {name} is not within {least} and 100")
    return value


def bodies(given: tuple[Constraint | Affinity | Spread, ...]) -> list[Mapping[str, Any]]:
    """Give them as the API takes them."""
    return [one.body() for one in given]
