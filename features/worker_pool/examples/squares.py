"""The flow of the README: a foreach of ninety short items."""

from metaflow import FlowSpec, step, worker_pool


class SquaresFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range(90))
        self.next(self.square, foreach="numbers")

    @worker_pool  # that is all
    @step
    def square(self):
        self.result = self.input**2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.total = sum(one.result for one in inputs)
        self.next(self.end)

    @step
    def end(self):
        print(self.total)


if __name__ == "__main__":
    SquaresFlow()
