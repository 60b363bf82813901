"""Counts of a served function, in the text format of Prometheus."""

from __future__ import annotations

import threading
from collections import Counter

TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)  # seconds


class Metrics:
    """Calls by status, how long they took, and how many run now."""

    def __init__(self, name: str, uuid: str) -> None:
        self._labels = f'function="{name}",reference="{uuid}"'
        self._lock = threading.Lock()
        self._calls: Counter[int] = Counter()
        self._within: Counter[float] = Counter()
        self._seconds = 0.0
        self._running = 0

    def begin(self) -> None:
        with self._lock:
            self._running += 1

    def end(self, status: int, seconds: float) -> None:
        """Note a call that began."""
        with self._lock:
            self._running -= 1
            self._calls[status] += 1
            self._seconds += seconds
            for bound in BOUNDS:
                self._within[bound] += seconds <= bound

    def text(self) -> str:
        """Write everything down."""
        with self._lock:
            count = sum(self._calls.values())
            lines = ["# TYPE metaflow_function_calls_total counter"]
            for status, number in sorted(self._calls.items()):
                labels = f'{self._labels},status="{status}"'
                lines.append(f"metaflow_function_calls_total{{{labels}}} {number}")
            lines.append("# TYPE metaflow_function_seconds histogram")
            for bound in BOUNDS:
                labels = f'{self._labels},le="{bound}"'
                lines.append(f"metaflow_function_seconds_bucket{{{labels}}} {self._within[bound]}")
            lines += [
                f'metaflow_function_seconds_bucket{{{self._labels},le="+Inf"}} {count}',
                f"metaflow_function_seconds_sum{{{self._labels}}} {self._seconds:.6f}",
                f"metaflow_function_seconds_count{{{self._labels}}} {count}",
                "# TYPE metaflow_function_running gauge",
                f"metaflow_function_running{{{self._labels}}} {self._running}",
            ]
        return "\n".join([*lines, ""])
