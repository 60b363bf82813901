"""Two workers beside one, for a function that keeps a core busy, called by eight threads."""

from __future__ import annotations

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from metaflow import function_from_json
from shared.bound import bound, tell

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS, CALLS, THREADS = 7, 400, 8


def main() -> None:
    with bound() as bind, ThreadPoolExecutor(THREADS) as pool:
        reference = bind("spin")
        with function_from_json(reference) as one, function_from_json(reference, workers=2) as two:
            rates: tuple[list[float], list[float]] = ([], [])
            for _ in range(REPEATS):
                for function, into in ((two, rates[0]), (one, rates[1])):
                    into.append(rate(pool, function))
    ours, other = (statistics.median(each) for each in rates)
    tell("function_two_workers", ours, other, 1.5, REPEATS, least=True)


def rate(pool: ThreadPoolExecutor, function: Callable[[Any], Any]) -> float:
    began = time.perf_counter()
    list(pool.map(function, [{}] * CALLS))
    return CALLS / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
