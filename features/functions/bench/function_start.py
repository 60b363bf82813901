"""Cold start beside a fresh Python that imports the same; warm start; `import metaflow`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from metaflow import function_from_json
from shared.bound import FLOWS, bound, tell, tell_alone

if TYPE_CHECKING:
    from collections.abc import Sequence

REPEATS = 7
RECORD = '{"x": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]}'
OURS = """
import sys
from metaflow_extensions.functions.handle import function_from_json
print(function_from_json(sys.argv[1])({record}))
"""
FRESH = """
import sys
sys.path.insert(0, sys.argv[1])
import scored
from metaflow import FunctionParameters
print(scored.predict(scored.Features(**{record}), FunctionParameters(weights=[0.1] * 10)))
"""
LOADING = """
import time, importlib
began = time.perf_counter()
import metaflow
whole = time.perf_counter() - began
for name in [n for n in sys.modules if n.startswith("metaflow_extensions.functions.")]:
    del sys.modules[name]
began = time.perf_counter()
importlib.import_module("metaflow_extensions.functions.toplevel.names")
print(time.perf_counter() - began)
"""


def main() -> None:
    with bound() as bind:
        reference = bind("predict")
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(REPEATS):
            times[0].append(seconds([OURS.replace("{record}", RECORD), reference]))
            times[1].append(seconds([FRESH.replace("{record}", RECORD), str(FLOWS)]))
        ours, other = (statistics.median(each) for each in times)
        tell("function_cold_start", ours, other, 1.3, REPEATS)
        tell_alone("function_warm_start_s", statistics.median(warm(reference)), 0.05, REPEATS)
    tell_alone("function_import_s", statistics.median(loading()), 0.03, REPEATS)


def seconds(argv: Sequence[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", *argv], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def warm(reference: str) -> list[float]:
    """Take the time to a first result while another handle of the function is open."""
    import json

    times = []
    with function_from_json(reference) as first:
        first(json.loads(RECORD))
        for _ in range(REPEATS):
            began = time.perf_counter()
            with function_from_json(reference) as function:
                function(json.loads(RECORD))
                times.append(time.perf_counter() - began)
    return times


def loading() -> list[float]:
    """Take what our modules add when Metaflow is loaded already."""
    code = f"import sys{LOADING}"
    return [
        float(subprocess.check_output([sys.executable, "-c", code], text=True))
        for _ in range(REPEATS)
    ]


if __name__ == "__main__":
    main()
