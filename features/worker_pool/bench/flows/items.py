"""A foreach of as many items as are asked for, each as long, as large or as uneven as asked for."""

# ruff: noqa: ANN001, ANN201 - a flow as users write it
import os
import time

from metaflow import FlowSpec, Parameter, step, worker_pool

for name in os.environ.get("BENCH_IMPORTS", "").split():
    __import__(name)
HELD = []


class ItemsFlow(FlowSpec):
    items = Parameter("items", default=10)
    compute = Parameter("compute", default=0.0, help="Seconds of CPU of an item.")
    wait = Parameter("wait", default=0.0, help="Seconds an item sleeps.")
    uneven = Parameter("uneven", default=0, help="Every so many items, one is 20 times as long.")
    leak = Parameter("leak", default=0, help="MB that an item leaves in its process.")

    @step
    def start(self):
        self.numbers = list(range(self.items))
        self.next(self.work, foreach="numbers")

    @worker_pool
    @step
    def work(self):
        longer = 20 if self.uneven and self.input % self.uneven == self.uneven // 2 else 1
        end = time.process_time() + self.compute * longer
        while time.process_time() < end:
            pass
        if self.wait:
            time.sleep(self.wait * longer)
        HELD.append(bytearray(b"x") * (self.leak << 20))
        self.result = self.input * 2
        self.pid = os.getpid()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.result for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        print("total", self.total)


if __name__ == "__main__":
    ItemsFlow()
