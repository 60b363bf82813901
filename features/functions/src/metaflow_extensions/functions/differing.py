"""What differs between two references: code, packages, artifacts, schemas."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from metaflow_extensions.functions.capture.archive import digest, members
from metaflow_extensions.functions.loading import code_bytes, read_reference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHOWN = 12  # characters of a hash


@dataclass(frozen=True)
class Difference:
    """One thing that is otherwise; None where there is none."""

    what: str
    name: str
    first: str | None
    second: str | None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def line(self) -> str:
        if self.first is None:
            return f"+ {self.what} {self.name} {self.second}"
        if self.second is None:
            return f"- {self.what} {self.name} {self.first}"
        return f"~ {self.what} {self.name} {self.first} -> {self.second}"


def differences(first: str, second: str) -> list[Difference]:
    """Compare two references; nothing if they run the same."""
    one, other = _sides(first), _sides(second)
    return [
        Difference(what, name, one[what].get(name), other[what].get(name))
        for what in one
        for name in _differing(one[what], other[what])
    ]


def _differing(one: Mapping[str, str], other: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*one, *other}):
        if one.get(name) != other.get(name):
            yield name


def _sides(location: str) -> dict[str, dict[str, str]]:
    """Give all that can differ, by kind and name."""
    reference, store = read_reference(location)
    function, environment = reference.function, reference.environment
    files = members(code_bytes(reference, store))
    return {
        "function": {"name": function.name, "module": str(function.module)},
        "schema": {
            "takes": str(dict(function.input_schema)),
            "gives": str(dict(function.output_schema)),
        },
        "task": {"pathspec": reference.task},
        "python": {"version": environment.python},
        "package": dict(environment.packages),
        "file": {name: digest(data)[:SHOWN] for name, data in files.items()},
        "artifact": {name: one.sha256[:SHOWN] for name, one in reference.artifacts.items()},
    }
