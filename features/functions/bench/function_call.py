"""What a call costs: `process` beside a plain socket, `local` beside the bare function."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from metaflow import function_from_json
from shared.bound import bound, tell, tell_alone
from shared.sockets import plain

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS = 25
BLOCK = 40  # calls in a row, so that both arms meet the same moments
RECORD = {"x": [0.1] * 10}
THREADS = 8


def main() -> None:
    with bound() as bind:
        echo = bind("echo")
        with plain() as floor, function_from_json(echo) as ours:
            a, b = alternating(ours, floor)
            tell("function_process_p50", a, b, 3, REPEATS)
        local = function_from_json(echo, backend="local")
        a, b = alternating(local, dict)
        tell_alone("function_local_overhead_us", (a - b) * 1e6, 5, REPEATS)
        threads(function_from_json(bind("spin"), backend="local"))


def alternating(ours: Callable[[Any], Any], other: Callable[[Any], Any]) -> tuple[float, float]:
    """Give the medians of both, in seconds for a call."""
    for call in (ours, other):
        for _ in range(200):
            call(RECORD)
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(REPEATS):
        for call, into in ((ours, times[0]), (other, times[1])):
            for _ in range(BLOCK):
                began = time.perf_counter()
                call(RECORD)
                into.append(time.perf_counter() - began)
    return statistics.median(times[0]), statistics.median(times[1])


def threads(ours: Callable[[Any], Any]) -> None:
    """Count calls a second of eight threads on one handle; an error ends the bench."""
    import scored

    rates: tuple[list[float], list[float]] = ([], [])
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in range(5):
            for call, into in ((ours, rates[0]), (scored.spin, rates[1])):
                began = time.perf_counter()
                list(pool.map(call, [RECORD] * 500))
                into.append(500 / (time.perf_counter() - began))
    tell(
        "function_local_threads", statistics.median(rates[0]), statistics.median(rates[1]), 0.9, 5,
        least=True,
    )  # fmt: skip


if __name__ == "__main__":
    main()
