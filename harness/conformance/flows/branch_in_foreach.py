"""A branch inside each item of a foreach, and a step after it, still inside the foreach."""

from metaflow import FlowSpec, step


class BranchInForeachFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [2, 3]
        self.next(self.item, foreach="numbers")

    @step
    def item(self):
        self.number = self.input
        self.next(self.double, self.square)

    @step
    def double(self):
        self.doubled = self.number * 2
        self.next(self.both)

    @step
    def square(self):
        self.squared = self.number**2
        self.next(self.both)

    @step
    def both(self, inputs):
        self.merge_artifacts(inputs)
        self.pair = (self.doubled, self.squared)
        self.next(self.after)

    @step
    def after(self):
        self.line = f"{self.index}: {self.number} -> {self.pair}"
        self.next(self.collect)

    @step
    def collect(self, inputs):
        self.lines = [task.line for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    BranchInForeachFlow()
