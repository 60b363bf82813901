"""Durations as people write them."""

from __future__ import annotations

import re

from pytest_metaflow_backends.matrix.mistake import shown

LONGEST = 7 * 24 * 3600.0  # seconds; what waits longer than a week waits for ever
_TEXT = re.compile(r"(?=[0-9])(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")


def seconds(value: float | str) -> float:
    """Give the seconds of `90`, `90s`, `10m`, `1h30m`.

    Raises ValueError, with what is wrong, for anything else and for what is not within 0 (not
    included) and a week.

    >>> seconds("1h30m"), seconds("90s"), seconds(5)
    (5400.0, 90.0, 5.0)
    """
    number = _read(value) if isinstance(value, str) else value
    if not 0 < number <= LONGEST:  # also true of a NaN
        raise ValueError(f"{shown(value)} is not a duration of more than 0 and at most a week")
    return float(number)


def _read(text: str) -> float:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{shown(text)} is not a duration; write 90s, 10m, 1h30m or a number of seconds"
        )
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


def text(number: float) -> str:
    """Write seconds as a person would.

    >>> text(5400), text(90), text(0.5)
    ('1h30m', '1m30s', '0.5s')
    """
    minutes, rest = divmod(number, 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{round(part, 3):g}{unit}" for part, unit in parts if part) or "0s"
