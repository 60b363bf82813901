"""What a step asks of Nomad: the decorator's attributes, checked, as frozen data.

The decorator and the command `nomad step` read the same JSON, so what `--with` can say as text and
what a flow says in Python mean the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from metaflow_extensions.nomad.errors import SpecError
from metaflow_extensions.nomad.placing import Affinity, Constraint, Spread
from metaflow_extensions.nomad.storing import Secret, Volume

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DRIVERS = ("docker", "podman", "exec", "raw_exec")
WITH_IMAGE = frozenset({"docker", "podman"})
DEVICE = "nvidia/gpu"
LOG_STORAGE = 100  # MB that Nomad keeps for the logs of a task, within its disk
PRIORITIES = (1, 100)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d)?")
_UNITS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Spec:
    """One step's wishes. Sizes are in MB, `cpu` in MHz, times in seconds; None: Nomad's default."""

    driver: str = "docker"
    image: str | None = None
    cpu: int | None = 1000
    cores: int | None = None
    memory: int = 4096
    memory_max: int | None = None
    disk: int = 1024
    gpu: int = 0
    device: str = DEVICE
    device_constraints: tuple[Constraint, ...] = ()
    datacenters: tuple[str, ...] = ("*",)
    node_pool: str | None = None
    region: str | None = None
    namespace: str | None = None
    constraints: tuple[Constraint, ...] = ()
    affinities: tuple[Affinity, ...] = ()
    spreads: tuple[Spread, ...] = ()
    priority: int | None = None
    volumes: tuple[Volume, ...] = ()
    network_mode: str | None = None
    ports: tuple[tuple[str, int], ...] = ()  # (label, port in the task; 0: any)
    secrets: tuple[Secret, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    meta: tuple[tuple[str, str], ...] = ()
    queue_timeout: float = 0.0  # 0: wait as long as it takes, for what can run somewhere
    kill_timeout: float = 5.0
    executable: str | None = None
    user: str | None = None
    shared_memory: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Spec:
        """Read attributes as a flow, `--with` or JSON gives them; None is as if it were not said.

        Raises SpecError for an unknown name or a value that cannot be.
        """
        said = {name: value for name, value in given.items() if value is not None}
        for name in said:
            if name not in _READERS:
                close = get_close_matches(name, _READERS, 1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise SpecError(f"@nomad takes no {name!r}{hint}")
        read = {name: _READERS[name](name, value) for name, value in said.items()}
        if "cores" in read:
            if "cpu" in read:
                raise SpecError("@nomad: give cpu (MHz) or cores, not both")
            read["cpu"] = None
        return _checked(cls(**read))

    @classmethod
    def from_json(cls, text: str) -> Spec:
        return cls.of(json.loads(text))


def _checked(spec: Spec) -> Spec:
    """Hold the attributes against each other."""
    if spec.driver not in DRIVERS:
        raise SpecError(f"@nomad: driver {spec.driver!r} is none of {', '.join(DRIVERS)}")
    if spec.image and spec.driver not in WITH_IMAGE:
        raise SpecError(f"@nomad: the driver {spec.driver} runs no image; leave image out")
    if spec.disk <= LOG_STORAGE:
        raise SpecError(f"@nomad: disk={spec.disk} is no more than the {LOG_STORAGE} MB of logs")
    if spec.memory_max is not None and spec.memory_max < spec.memory:
        raise SpecError(f"@nomad: memory_max={spec.memory_max} is below memory={spec.memory}")
    low, high = PRIORITIES
    if spec.priority is not None and not low <= spec.priority <= high:
        raise SpecError(f"@nomad: priority={spec.priority} is not within {low} and {high}")
    return spec


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise SpecError(f"@nomad: {name}={value!r} is no text")
    return value.strip()


def _whole(name: str, value: object) -> int:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = float("nan")
    if isinstance(value, bool) or not number.is_integer() or number < 0:
        raise SpecError(f"@nomad: {name}={value!r} is no whole number")
    return int(number)


def _positive(name: str, value: object) -> int:
    number = _whole(name, value)
    if number == 0:
        raise SpecError(f"@nomad: {name} must be more than 0")
    return number


def _seconds(name: str, value: object) -> float:
    found = _DURATION.fullmatch(str(value).strip())
    if isinstance(value, bool) or found is None:
        raise SpecError(f"@nomad: {name}={value!r} is no time; say 90, '90s', '5m' or '2h'")
    return float(found[1]) * _UNITS[found[2]]


def _list(name: str, value: object) -> list[Any]:
    """Take a list, or one text as commas divide it."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, dict) or not hasattr(value, "__iter__"):
        raise SpecError(f"@nomad: {name}={value!r} is no list")
    return list(value)


def _names(name: str, value: object) -> tuple[str, ...]:
    return tuple(_text(name, item) for item in _list(name, value))


def _pairs(name: str, value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise SpecError(f"@nomad: {name}={value!r} is no dict of texts")
    return tuple((_text(name, key), str(item)) for key, item in value.items())


def _ports(name: str, value: object) -> tuple[tuple[str, int], ...]:
    if not isinstance(value, dict):
        raise SpecError(f"@nomad: {name}={value!r} is no dict of label: port, 0 for any")
    return tuple((_text(name, key), _whole(name, port)) for key, port in value.items())


def _each(kind: type[Any]) -> Any:
    def read(name: str, value: object) -> tuple[Any, ...]:
        items = [value] if isinstance(value, str | dict) else _list(name, value)
        return tuple(kind.of(name, item) for item in items)

    return read


_READERS: Mapping[str, Any] = {
    **dict.fromkeys(("driver", "image", "device", "node_pool", "region", "namespace"), _text),
    **dict.fromkeys(("network_mode", "executable", "user"), _text),
    **dict.fromkeys(("cpu", "cores", "memory", "memory_max", "disk", "priority"), _positive),
    **dict.fromkeys(("gpu", "shared_memory"), _whole),
    **dict.fromkeys(("queue_timeout", "kill_timeout"), _seconds),
    **dict.fromkeys(("env", "meta"), _pairs),
    **dict.fromkeys(("constraints", "device_constraints"), _each(Constraint)),
    "affinities": _each(Affinity),
    "spreads": _each(Spread),
    "volumes": _each(Volume),
    "secrets": _each(Secret),
    "datacenters": _names,
    "ports": _ports,
}
NAMES: Sequence[str] = tuple(_READERS)
