"""Items of a foreach take long and short ways, some past two steps, and all meet in the join."""

from metaflow import FlowSpec, step


class SkipsInForeachFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2, 3]
        self.next(self.look, foreach="numbers")

    @step
    def look(self):
        self.way = [self.input]
        self.kind = {1: "odd", 2: "even", 3: "pass"}[self.input]
        self.next({"odd": self.odd, "even": self.even, "pass": self.gather}, condition="kind")

    @step
    def odd(self):
        self.way.append("odd")
        self.next(self.checked)

    @step
    def even(self):
        self.way.append("even")
        self.next(self.checked)

    @step
    def checked(self):
        self.way.append("checked")
        self.next(self.gather)

    @step
    def gather(self):
        self.way.append("gathered")
        self.next(self.join)

    @step
    def join(self, inputs):
        self.ways = [task.way for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    SkipsInForeachFlow()
