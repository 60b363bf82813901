"""Each item of a foreach recurs as often as it needs, then takes one of two ways to the join."""

from metaflow import FlowSpec, step


class RecursionInForeachFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [6, 3]
        self.next(self.halve, foreach="numbers")

    @step
    def halve(self):
        if not hasattr(self, "rest"):
            self.rest, self.rounds = self.input, 0
        self.rounds += 1
        self.case = "odd" if self.rest % 2 else "again"
        if self.case == "again":
            self.rest //= 2
        elif self.rounds > 1:
            self.case = "halved"
        self.next(
            {"again": self.halve, "odd": self.was_odd, "halved": self.was_even}, condition="case"
        )

    @step
    def was_odd(self):
        self.kind = "odd"
        self.next(self.gather)

    @step
    def was_even(self):
        self.kind = "even"
        self.next(self.gather)

    @step
    def gather(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.results = [(task.kind, task.rest, task.rounds) for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RecursionInForeachFlow()
