"""Each item of a foreach takes its own way; the join gets all of them, in order."""

from metaflow import FlowSpec, step


class SwitchInForeachFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2, 3]
        self.next(self.sort, foreach="numbers")

    @step
    def sort(self):
        self.kind = "even" if self.input % 2 == 0 else "odd"
        self.next({"even": self.even, "odd": self.odd}, condition="kind")

    @step
    def even(self):
        self.label = f"{self.input} is even"
        self.next(self.gather)

    @step
    def odd(self):
        self.label = f"{self.input} is odd"
        self.next(self.gather)

    @step
    def gather(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.labels = [task.label for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SwitchInForeachFlow()
