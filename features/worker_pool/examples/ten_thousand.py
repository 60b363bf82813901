"""Ten thousand items: run with --max-num-splits 10000. `make soak` does so."""

from metaflow import FlowSpec, Parameter, step, worker_pool


class TenThousandFlow(FlowSpec):
    items = Parameter("items", default=10_000)

    @step
    def start(self):
        self.numbers = list(range(self.items))
        self.next(self.work, foreach="numbers")

    @worker_pool
    @step
    def work(self):
        self.square = self.input**2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.square for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        print("total", self.total)


if __name__ == "__main__":
    TenThousandFlow()
