"""A foreach gives each task its item and its index; the join gets the results in item order."""

from metaflow import FlowSpec, step


class ForeachFlow(FlowSpec):
    @step
    def start(self):
        self.words = ["alpha", "beta", "größe", ""]
        self.next(self.work, foreach="words")

    @step
    def work(self):
        self.position = self.index
        self.shout = self.input.upper()
        print(f"item {self.index}: {self.input!r}")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.shouts = [task.shout for task in inputs]
        self.positions = [task.position for task in inputs]
        self.outside = (self.index, self.input)
        self.next(self.end)

    @step
    def end(self):
        self.sentence = " ".join(self.shouts)


if __name__ == "__main__":
    ForeachFlow()
