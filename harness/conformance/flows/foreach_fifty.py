"""Fifty items, more than run at once: each is worked on exactly once and joined in order."""

from metaflow import FlowSpec, step


class ForeachFiftyFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = list(range(100, 150))
        self.next(self.square, foreach="numbers")

    @step
    def square(self):
        self.squared = self.input**2
        self.next(self.join)

    @step
    def join(self, inputs):
        self.squares = [task.squared for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.total = sum(self.squares)


if __name__ == "__main__":
    ForeachFiftyFlow()
