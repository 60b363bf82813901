"""What a step asks of its pool: the decorator's attributes, checked, as frozen data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from typing import TYPE_CHECKING, Any

from metaflow_extensions.worker_pool.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

AUTO = "auto"
MEGABYTE = 2**20
LARGEST = 10_000  # workers; a larger number is a slip of the keyboard
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?")
_UNITS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


class Isolation(Enum):
    """What the items of a worker share."""

    PROCESS = "process"  # one after the other in the same process
    FORK = "fork"  # what was loaded before the first one; each is a fork of that


@dataclass(frozen=True)
class Spec:
    """One step's wishes. None is no limit; `size` None is "auto"."""

    size: int | None = None
    isolation: Isolation = Isolation.PROCESS
    max_items_per_worker: int | None = None
    max_worker_age: float | None = None  # seconds
    max_rss_growth: int | None = 300  # MB beyond what a worker had after its first item
    poison_after: int | None = 3  # workers that one item may kill

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Spec:
        """Read attributes as a flow or `--with` gives them; None is as if it were not said.

        Raises SpecError for an unknown name or a value that cannot be.
        """
        said = {name: value for name, value in given.items() if value is not None}
        for name in said:
            if name not in _READERS:
                close = get_close_matches(name, _READERS, 1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise SpecError(f"@worker_pool takes no {name!r}{hint}")
        return cls(**{name: _READERS[name](name, value) for name, value in said.items()})


def _size(name: str, value: object) -> int | None:
    if isinstance(value, str) and value.strip().lower() == AUTO:
        return None
    number = _whole(name, value, f'"{AUTO}" or a number of workers, 1 or more')
    if number > LARGEST:
        raise SpecError(f"@worker_pool: {name}={value!r} is more than {LARGEST} workers")
    return number


def _whole(name: str, value: object, wanted: str = "a whole number, 1 or more") -> int:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not number.is_integer() or number < 1:
        raise SpecError(f"@worker_pool: {name}={value!r} is not {wanted}")
    return int(number)


def _limit(name: str, value: object) -> int | None:
    """Read a limit; "none" lifts one that a setting or a default gives."""
    if isinstance(value, str) and value.strip().lower() == "none":
        return None
    return _whole(name, value, 'a whole number, 1 or more, or "none"')


def _seconds(name: str, value: object) -> float | None:
    if isinstance(value, str) and value.strip().lower() == "none":
        return None
    found = _DURATION.fullmatch(str(value).strip())
    seconds = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if isinstance(value, bool) or seconds <= 0:
        raise SpecError(
            f"@worker_pool: {name}={value!r} is no time; say 90, '90s', '5m', '2h' or \"none\""
        )
    return seconds


def _isolation(name: str, value: object) -> Isolation:
    words = [one.value for one in Isolation]
    if isinstance(value, str) and value.strip().lower() in words:
        return Isolation(value.strip().lower())
    raise SpecError(f"@worker_pool: {name}={value!r} is none of {', '.join(words)}")


_READERS: dict[str, Callable[[str, object], Any]] = {
    "size": _size,
    "isolation": _isolation,
    "max_items_per_worker": _limit,
    "max_worker_age": _seconds,
    "max_rss_growth": _limit,
    "poison_after": _limit,
}
NAMES = tuple(_READERS)
