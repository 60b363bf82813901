"""What the fake backend is told to do: its options, checked."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from metaflow_backends.options import OptionError, check_names

if TYPE_CHECKING:
    from metaflow_backends.protocol import Settings


@dataclass(frozen=True)
class Script:
    """The scripted faults; the default is a backend without any."""

    late: float = 0.0  # seconds until it is healthy
    never: bool = False  # does not come up
    unavailable: str = ""  # the probe's reason
    start_error: str = ""  # start raises this (`{token}`: its key), once its process runs
    dies_after: int | None = None  # tests until it dies for real
    flaky: int = 0  # so many tests meet an infrastructure failure first
    loses_report: bool = False  # once, the process that runs a test ends without a word
    lies: tuple[str, ...] = ()  # capabilities that are declared and do not work
    slow_stop: float = 0.0  # seconds from SIGTERM to its end
    leaks: bool = False  # stop leaves a process behind
    max_workers: int | None = None  # as for the local backend

    @classmethod
    def of(cls, settings: Settings) -> Script:
        """Read the options; raises OptionError that names the one that is wrong."""
        check_names(settings, [field.name for field in fields(cls)])
        checked = {k: _checked(settings.column, k, v) for k, v in settings.options.items()}
        return cls(**checked)


def _checked(column: str, name: str, value: Any) -> Any:  # noqa: ANN401 - options are any JSON
    expected = _TYPES[name]
    if name == "lies" and isinstance(value, list):
        value = tuple(value)
    wrong_bool = isinstance(value, bool) and expected is not bool
    if wrong_bool or not isinstance(value, expected):
        wanted = " or ".join(_SAID.get(t, t.__name__) for t in _as_tuple(expected))
        raise OptionError(f"{column}: option {name!r} is {value!r}, and must be of type {wanted}")
    return value


def _as_tuple(types: type | tuple[type, ...]) -> tuple[type, ...]:
    return types if isinstance(types, tuple) else (types,)


_SAID: dict[type, str] = {tuple: "list"}  # as a matrix.yaml has it
_TYPES: dict[str, type | tuple[type, ...]] = {
    "late": (int, float),
    "never": bool,
    "unavailable": str,
    "start_error": str,
    "dies_after": int,
    "flaky": int,
    "loses_report": bool,
    "lies": tuple,
    "slow_stop": (int, float),
    "leaks": bool,
    "max_workers": int,
}
