"""Large records beside a plain socket; what waiting costs the caller."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import psutil
from metaflow import function_from_json
from shared.bound import bound, tell, tell_alone
from shared.sockets import plain

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 5
TEXT = {"x": "a" * 50_000_000}
FLOATS = {"x": [n / 7 for n in range(500_000)]}


def main() -> None:
    with bound() as bind:
        with plain() as floor, function_from_json(bind("echo")) as ours:
            for name, record, goal in (("text_50_mb", TEXT, 2), ("floats_500k", FLOATS, 3)):
                tell(f"function_{name}", *medians(ours, floor, record), goal, REPEATS)
        waiting(bind("sleep"))


def medians(
    ours: Callable[[Any], Any], other: Callable[[Any], Any], record: object
) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS):
        for call, into in ((ours, times[0]), (other, times[1])):
            began = time.perf_counter()
            call(record)
            into.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


def waiting(reference: str) -> None:
    """Take the caller's processor time in a call of 3 s, and what a handle adds to its memory."""
    import scored  # noqa: F401 - what binding has loaded is not the handle's

    before = psutil.Process().memory_info().rss
    with function_from_json(reference) as function:
        function({"seconds": 0})
        grown = (psutil.Process().memory_info().rss - before) / 1e6
        began = time.process_time()
        function({"seconds": 3})
        tell_alone("function_waiting_cpu_s", time.process_time() - began, 0.05, 1)
    tell_alone("function_rss_growth_mb", grown, 50, 1)


if __name__ == "__main__":
    main()
