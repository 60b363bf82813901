"""A model that is loaded once for each worker, and not once for each item."""

import functools
import time

from metaflow import FlowSpec, retry, step, worker_pool


@functools.lru_cache(maxsize=1)
def model():
    """Stand for what takes long to load: weights, an index, a connection."""
    print("loading")
    time.sleep(0.5)
    return {"a": 1, "b": 2, "c": 3}


class ModelFlow(FlowSpec):
    @step
    def start(self):
        self.words = ["a", "b", "c"] * 20
        self.next(self.score, foreach="words")

    @worker_pool(size=2, max_items_per_worker=1000)  # isolation="process" keeps what was loaded
    @retry(times=2)
    @step
    def score(self):
        self.points = model()[self.input]
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.points for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        print("total", self.total)


if __name__ == "__main__":
    ModelFlow()
