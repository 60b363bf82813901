"""The two ways of a switch inside a foreach end in its join without meeting before it.

Metaflow's own scheduler can do that; Argo Workflows cannot, and says so when it is deployed.
"""

from metaflow import FlowSpec, step


class JoinOfTwoWaysFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [1, 2]
        self.next(self.look, foreach="numbers")

    @step
    def look(self):
        self.kind = "even" if self.input % 2 == 0 else "odd"
        self.next({"even": self.even, "odd": self.odd}, condition="kind")

    @step
    def even(self):
        self.next(self.join)

    @step
    def odd(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.kinds = [task.kind for task in inputs]
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    JoinOfTwoWaysFlow()
