"""`fn.map` on Ray beside actors that are given chunks by hand, and beside Ray Data."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import ray
from metaflow import function_from_json
from shared.bound import bound, tell

if TYPE_CHECKING:
    from collections.abc import Callable

REPEATS, COUNT, CHUNK, ACTORS = 5, 100_000, 1000, 2
RECORDS = [{"x": [0.1 * n % 7] * 10} for n in range(COUNT)]
WEIGHTS = [0.1 * n for n in range(10)]


def vectorised(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"y": y} for y in (np.array([r["x"] for r in rows]) @ np.array(WEIGHTS)).tolist()]


def one_by_one(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"y": float(np.asarray(row["x"]) @ np.asarray(WEIGHTS))} for row in rows]


@ray.remote(num_cpus=1)
class ByHand:
    def __init__(self, way: Callable[[Any], Any]) -> None:
        self.way = way

    def run(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return self.way(rows)


def main() -> None:
    ray.init(num_cpus=2 * ACTORS + 1, include_dashboard=False, log_to_driver=False)
    with bound() as bind:
        for name, way in (("predict_all", vectorised), ("predict_row", one_by_one)):
            actors = [ByHand.remote(way) for _ in range(ACTORS)]
            with function_from_json(bind(name), backend="ray", workers=ACTORS) as function:
                compare(name, function, actors, way)
            for actor in actors:
                ray.kill(actor)


def compare(name: str, function: Any, actors: list[Any], way: Any) -> None:  # noqa: ANN401
    arms = {
        "ours": lambda: function.map(RECORDS, batch_size=CHUNK),
        "by_hand": lambda: by_hand(actors),
        "ray_data": lambda: ray_data(way),
    }
    times: dict[str, list[float]] = {arm: [] for arm in arms}
    for run in arms.values():  # warm
        run()
    for _ in range(REPEATS):
        for arm, run in arms.items():
            began = time.perf_counter()
            results = run()
            times[arm].append(time.perf_counter() - began)
            if len(results) != COUNT:
                raise SystemExit(f"{arm} gave {len(results)} results")
    rates = {arm: COUNT / statistics.median(taken) for arm, taken in times.items()}
    for other, goal in (("by_hand", 0.8), ("ray_data", 1.0)):
        told = f"function_ray_{name}_{other}"
        tell(told, rates["ours"], rates[other], goal, REPEATS, least=True)


def by_hand(actors: list[Any]) -> list[Any]:
    chunks = [RECORDS[start : start + CHUNK] for start in range(0, COUNT, CHUNK)]
    asked = [actors[number % ACTORS].run.remote(chunk) for number, chunk in enumerate(chunks)]
    return [row for rows in ray.get(asked) for row in rows]


def ray_data(way: Callable[[Any], Any]) -> list[Any]:
    import ray.data

    ray.data.DataContext.get_current().enable_progress_bars = False

    def batch(columns: dict[str, Any]) -> dict[str, Any]:
        return {"y": [row["y"] for row in way([{"x": x} for x in columns["x"]])]}

    found = ray.data.from_items(RECORDS, override_num_blocks=16)
    return found.map_batches(batch, batch_size=4096, concurrency=ACTORS).take_all()


if __name__ == "__main__":
    main()
