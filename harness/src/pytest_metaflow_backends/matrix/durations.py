"""Durations as people write them."""

from __future__ import annotations

import re

_TEXT = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def seconds(value: float | str) -> float:
    """Give the seconds of `90`, `90s`, `10m`, `1h30m`; the schema has checked the form.

    >>> seconds("1h30m"), seconds("90s"), seconds(5)
    (5400.0, 90.0, 5.0)
    """
    if isinstance(value, (int, float)):
        return float(value)
    match = _TEXT.fullmatch(value)
    if match is None:
        raise ValueError(f"{value!r} is not a duration")
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + rest)
