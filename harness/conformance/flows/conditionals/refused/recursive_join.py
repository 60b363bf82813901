"""A join cannot repeat itself."""

from metaflow import FlowSpec, step


class RecursiveJoinFlow(FlowSpec):
    @step
    def start(self):
        self.numbers = [1]
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.case = "done"
        self.next({"again": self.join, "done": self.end}, condition="case")

    @step
    def end(self):
        pass


if __name__ == "__main__":
    RecursiveJoinFlow()
